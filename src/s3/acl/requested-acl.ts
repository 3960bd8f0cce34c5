/** Parses the ACL in the headers or the document of a request. */
import { StorageError } from '../../errors.ts'
import type { AccessControlList, Acl, AclGroup, BucketInfo, Grant, Permission } from '../../drivers/driver.ts'
import { S3Error } from '../s3-error.ts'
import { malformed, parseXml, type XmlNode } from '../xml.ts'
import { groupUris, listOf, shortened } from './grants.ts'

const cannedNames = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'log-delivery-write',
] as const
type CannedName = (typeof cannedNames)[number]

/** `owner`: the owner of the bucket or object in the document. */
export type RequestedAcl = { canned: CannedName } | { grants: Grant[]; owner?: string }

type Headers = ReadonlyMap<string, string>

const permissions = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] as const satisfies Permission[]
const grantPrefix = 'x-amz-grant-'
const maxGrants = 100

/** undefined if the headers contain no ACL. Rejects unknown values instead of ignoring them. */
export function readAcl(headers: Headers): RequestedAcl | undefined {
  const granting = [...headers].filter(([name]) => name.startsWith(grantPrefix))
  const canned = headers.get('x-amz-acl')
  if (canned === undefined && granting.length === 0) return undefined
  if (canned !== undefined && granting.length > 0) {
    throw new StorageError('InvalidRequest', {
      message: 'Specifying both Canned ACLs and Header Grants is not allowed',
    })
  }
  if (canned !== undefined) return { canned: cannedName(canned) }
  const grants = granting.flatMap(([name, value]) => readGrantHeader(name, value))
  if (grants.length > maxGrants) {
    throw new StorageError('InvalidRequest', {
      message: `The headers have ${grants.length} grants. An ACL has at most ${maxGrants}. Remove some.`,
    })
  }
  return { grants }
}

function cannedName(text: string): CannedName {
  const known = cannedNames.find((name) => name === text)
  if (known !== undefined) return known
  if (text === 'aws-exec-read') throw new S3Error('NotImplemented', `The canned ACL ${text} is not implemented.`)
  throw new StorageError('InvalidArgument', {
    message: 'The canned ACL is not known.',
    details: { ArgumentName: 'x-amz-acl', ArgumentValue: text.slice(0, 80) },
  })
}

/** `id="alice", uri="http://…/AllUsers"`, quotes optional. */
function readGrantHeader(name: string, value: string): Grant[] {
  const permission = permissions.find(
    (one) => one.toLowerCase().replaceAll('_', '-') === name.slice(grantPrefix.length),
  )
  if (permission === undefined) throw new S3Error('NotImplemented', `The header ${name} is not implemented.`)
  return value.split(',').map((item) => {
    const [, type = '', quoted, bare] = /^\s*(\w+)\s*=\s*(?:"([^"]*)"|([^"\s]+))\s*$/.exec(item) ?? []
    const named = quoted ?? bare
    if (named === undefined) throw invalidGrantee(name, item)
    switch (type.toLowerCase()) {
      case 'id':
        return { to: ownerNamed(named), permission }
      case 'uri':
        return { to: groupAt(named), permission }
      case 'emailaddress':
        throw noEmail()
      default:
        throw invalidGrantee(name, item)
    }
  })
}

/** An `<AccessControlPolicy>`. Errors: MalformedXML, MalformedACLError. */
export function readAclDocument(body: Buffer): RequestedAcl {
  const document = parseXml(body, 'AccessControlPolicy').allow({ once: ['Owner', 'AccessControlList'] })
  const list = document.child('AccessControlList')?.allow({ many: ['Grant'] })
  if (list === undefined) throw malformed()
  const owner = document
    .child('Owner')
    ?.allow({ once: ['ID', 'DisplayName'] })
    .textOf('ID')
    ?.trim()
  const grants = list.children('Grant').map(readGrant)
  if (grants.length > maxGrants) throw malformedAcl()
  return { grants, ...(owner !== undefined && { owner }) }
}

function readGrant(node: XmlNode): Grant {
  node.allow({ once: ['Grantee', 'Permission'] })
  const to = node.child('Grantee')?.allow({ once: ['ID', 'DisplayName', 'URI', 'EmailAddress'] })
  const said = node.textOf('Permission')?.trim()
  const permission = permissions.find((name) => name === said)
  if (to === undefined || permission === undefined) throw malformedAcl()
  const uri = to.textOf('URI')?.trim()
  if (uri !== undefined) return { to: groupAt(uri), permission }
  const id = to.textOf('ID')?.trim()
  if (id !== undefined) return { to: ownerNamed(id), permission }
  if (to.child('EmailAddress')) throw noEmail()
  throw malformedAcl()
}

function ownerNamed(id: string): Grant['to'] {
  if (id !== '') return { owner: id }
  throw new StorageError('InvalidArgument', { message: 'Invalid id', details: { ArgumentName: 'id' } })
}

function groupAt(uri: string): Grant['to'] {
  const group = (Object.keys(groupUris) as AclGroup[]).find((name) => groupUris[name] === uri)
  if (group !== undefined) return { group }
  throw new StorageError('InvalidArgument', {
    message: 'Invalid group uri',
    details: { ArgumentName: 'uri', ArgumentValue: uri.slice(0, 80) },
  })
}

const malformedAcl = (): S3Error =>
  new S3Error(
    'MalformedACLError',
    'The XML you provided was not well-formed or did not validate against our published schema',
  )

const noEmail = (): S3Error =>
  new S3Error(
    'UnresolvableGrantByEmailAddress',
    'The email address you provided does not match any account on record. Owners are named by id.',
  )

const invalidGrantee = (name: string, item: string): StorageError =>
  new StorageError('InvalidArgument', {
    message: 'Argument format not recognized',
    details: { ArgumentName: name, ArgumentValue: item.trim().slice(0, 80) },
  })

/** `owner` is the owner of the bucket or object that the ACL is for. Errors: AccessDenied if the document names another owner. */
export function resolveAcl(
  asked: RequestedAcl,
  o: { of: 'bucket' | 'object'; owner: string; bucketOwner: string },
): Acl {
  if (!('canned' in asked)) {
    if (asked.owner !== undefined && asked.owner !== o.owner)
      throw new StorageError('AccessDenied', { message: 'An ACL cannot change the owner.' })
    return shortened({ owner: o.owner, grants: asked.grants }, o.bucketOwner)
  }
  return shortened(listOfCanned(asked.canned, o), o.bucketOwner)
}

/** The canned ACLs for the bucket's owner mean `private` where the owner of the bucket owns the object, as on AWS. */
function listOfCanned(
  canned: CannedName,
  { of, owner, bucketOwner }: { of: 'bucket' | 'object'; owner: string; bucketOwner: string },
): AccessControlList {
  const list = listOf('private', owner)
  switch (canned) {
    case 'bucket-owner-read':
    case 'bucket-owner-full-control': {
      if (owner === bucketOwner) return list
      const permission = canned === 'bucket-owner-read' ? 'READ' : 'FULL_CONTROL'
      return { owner, grants: [...list.grants, { to: { owner: bucketOwner }, permission }] }
    }
    case 'log-delivery-write': {
      if (of === 'object') throw new S3Error('NotImplemented', 'log-delivery-write of an object is not implemented.')
      const to = { group: 'log-delivery' } as const
      return { owner, grants: [...list.grants, { to, permission: 'WRITE' }, { to, permission: 'READ_ACP' }] }
    }
    default:
      return listOf(canned, owner)
  }
}

/**
 * The owner of a new object. This is the writer, unless Object Ownership gives the object to the bucket's owner. An
 * anonymous writer (null) owns nothing.
 */
export function ownerOfNew(
  writer: string | null,
  asked: RequestedAcl | undefined,
  { owner, configuration: { ownership } }: Pick<BucketInfo, 'owner' | 'configuration'>,
): string {
  if (writer === null || ownership === 'BucketOwnerEnforced') return owner
  const isGivenAway = asked !== undefined && 'canned' in asked && asked.canned === 'bucket-owner-full-control'
  return ownership === 'BucketOwnerPreferred' && isGivenAway ? owner : writer
}
