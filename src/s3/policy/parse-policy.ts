/**
 * Bucket policies (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html).
 * PutBucketPolicy rejects everything that is not supported, so a stored policy is evaluated completely.
 */
import { parseStrictJson, type Json } from '../../sigv4/strict-json.ts'
import { S3Error } from '../s3-error.ts'
import { copySourceKey, isConditionKey, normalKey } from './condition-keys.ts'
import { condition, type Condition } from './conditions.ts'
import { glob, matchesGlob, type Glob } from './glob.ts'
import { isKnownAction } from './known-actions.ts'

export type Statement = {
  effect: 'Allow' | 'Deny'
  /** Owners of access keys, or everyone, signed in or not. */
  principals: 'everyone' | ReadonlySet<string>
  /** Patterns for names in lower case. */
  actions: Patterns
  /** Patterns for the part after `arn:aws:s3:::`. */
  resources: Patterns
  conditions: readonly Condition[]
}
export type Patterns = {
  globs: readonly Glob[]
  negated: boolean
  /** Whether no pattern has a wildcard or a slash, so that they can match buckets only. */
  plain: boolean
}
export type Policy = { statements: readonly Statement[] }

/** Bytes, as on AWS. */
const maxPolicy = 20 * 1024
const arnPrefix = /^arn:aws(?:-cn|-us-gov)?:s3:::/

const refuse = (message: string): S3Error => new S3Error('MalformedPolicy', message)
const missing = (what: string): S3Error =>
  new S3Error('NotImplemented', `${what} in a bucket policy is not implemented.`)

/**
 * A policy that `isNew` names only actions that exist. A stored one is not refused for it. Errors: MalformedPolicy, and
 * NotImplemented for parts of the language that are not evaluated.
 */
export function parsePolicy(text: string, bucket: string, o: { isNew?: boolean } = {}): Policy {
  if (Buffer.byteLength(text) > maxPolicy) throw refuse('Policies must not be larger than 20480 bytes')
  if (!text.startsWith('{')) throw refuse('Policies must be valid JSON and the first byte must be "{"')
  const document = readDocument(text)
  only(document, ['Version', 'Id', 'Statement'])
  const version = document.get('Version')
  if (version !== undefined && version !== '2012-10-17' && version !== '2008-10-17') {
    throw refuse('The policy must contain a valid version string')
  }
  const statements = list(document.get('Statement')).map((statement) => readStatement(statement, bucket, o))
  if (statements.length === 0) throw refuse('Missing required field Statement')
  return { statements }
}

function readDocument(text: string): Map<string, Json> {
  try {
    const value = parseStrictJson(text)
    if (value instanceof Map) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw refuse('This policy contains invalid Json')
}

function readStatement(value: Json, bucket: string, o: { isNew?: boolean }): Statement {
  if (!(value instanceof Map)) throw refuse('Invalid policy syntax.')
  if (value.has('NotPrincipal')) throw missing('NotPrincipal')
  only(value, ['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'])
  const effect = value.get('Effect')
  if (effect !== 'Allow' && effect !== 'Deny') throw refuse('Missing required field Effect')
  return {
    effect,
    principals: readPrincipals(value.get('Principal')),
    actions: oneOf(value, 'Action', (text) => readAction(text, o)),
    resources: oneOf(value, 'Resource', (text) => readResource(text, bucket)),
    conditions: readConditions(value.get('Condition')),
  }
}

/** `Action` or `NotAction`, and the same for resources: one of the two. */
function oneOf(statement: Map<string, Json>, name: string, read: (text: string) => string): Patterns {
  const plain = statement.get(name)
  const not = statement.get(`Not${name}`)
  if ((plain === undefined) === (not === undefined)) throw refuse(`Missing required field ${name}`)
  const patterns = texts(plain ?? not!).map(read)
  if (patterns.length === 0) throw refuse(`Policy statement must contain ${name.toLowerCase()}s.`)
  return {
    globs: patterns.map(glob),
    negated: plain === undefined,
    plain: patterns.every((pattern) => !/[*?/]/.test(pattern)),
  }
}

function readAction(text: string, { isNew = false }: { isNew?: boolean }): string {
  const action = text.toLowerCase()
  if (text === '*' || (/^s3:[\w*?]+$/.test(action) && !(isNew && !isKnownAction(action)))) return action
  throw refuse('Policy has invalid action')
}

function readResource(text: string, bucket: string): string {
  if (text === '*') return text
  const pattern = text.replace(arnPrefix, '')
  if (pattern.includes('${')) throw missing('A variable (${…})')
  const [named = ''] = pattern.split('/', 1)
  if (pattern === text || !matchesGlob(named, bucket)) throw refuse('Policy has invalid resource')
  return pattern
}

/** `*`, or names of owners: bare, or as the account or the user of an ARN. Services own no keys here. */
function readPrincipals(value: Json | undefined): Statement['principals'] {
  if (value === '*') return 'everyone'
  if (!(value instanceof Map) || value.size === 0) throw refuse('Invalid principal in policy')
  const names = new Set<string>()
  for (const [kind, said] of value) {
    if (kind === 'Federated') throw missing('A federated principal')
    if (kind === 'Service') continue
    if (kind !== 'AWS' && kind !== 'CanonicalUser') throw refuse('Invalid principal in policy')
    for (const text of texts(said)) {
      if (text === '*' && kind === 'AWS') return 'everyone'
      names.add(readName(text))
    }
  }
  return names
}

function readName(text: string): string {
  const [, account = '', path = ''] = /^arn:aws[\w-]*:iam::([^:]*):(.+)$/.exec(text) ?? []
  const name = path === '' ? text : path === 'root' ? account : /^(?:user)\/(?:.*\/)?([^/]+)$/.exec(path)?.[1]
  if (name === undefined || name === '' || /[*?]/.test(name)) throw refuse('Invalid principal in policy')
  return name
}

function readConditions(value: Json | undefined): Condition[] {
  if (value === undefined) return []
  if (!(value instanceof Map)) throw refuse('Invalid policy syntax.')
  return [...value].flatMap(([operator, keys]) => {
    if (!(keys instanceof Map)) throw refuse('Invalid policy syntax.')
    return [...keys].map(([name, said]) => {
      const key = normalKey(name)
      if (!isConditionKey(key)) throw missing(`The condition key ${name.replace(/[^\w:/-]/g, '').slice(0, 80)}`)
      const values = list(said).map(scalar)
      if (values.some((text) => text.includes('${'))) throw missing('A variable (${…})')
      const built = condition(operator, key, key === copySourceKey ? values.map(withoutSlash) : values)
      if (built === null) throw refuse(`Invalid condition ${operator.replace(/[^\w:]/g, '').slice(0, 80)}`)
      return built
    })
  })
}

/** The header of a copy may start with a slash, and so may values in policies. */
const withoutSlash = (source: string): string => source.replace(/^\//, '')

const list = (value: Json | undefined): Json[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])

function texts(value: Json): string[] {
  return list(value).map((item) => {
    if (typeof item !== 'string') throw refuse('Invalid policy syntax.')
    return item
  })
}

function scalar(value: Json): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw refuse('Invalid policy syntax.')
}

function only(value: Map<string, Json>, names: readonly string[]): void {
  for (const name of value.keys()) {
    if (!names.includes(name)) throw refuse(`Unknown field ${name.replace(/\W/g, '').slice(0, 40)}`)
  }
}
