/** ACLs as text in columns: the name of a canned ACL, or JSON. */
import type { AccessControlList, Acl, CannedAcl } from '../driver.ts'

export const aclText = (acl: Acl = 'private'): string => (typeof acl === 'string' ? acl : JSON.stringify(acl))

export const parseAcl = (text: string): Acl =>
  text.startsWith('{') ? (JSON.parse(text) as AccessControlList) : (text as CannedAcl)
