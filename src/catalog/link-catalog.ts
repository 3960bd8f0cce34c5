/** The share link part of the catalog port. The rules of `Catalog` apply. */
import type { FileRecord } from './records.ts'

/** A share link: counted, revocable access to a confirmed file for anyone who has its token. */
export type Link = {
  id: string
  fileId: string
  /** null: it does not expire. */
  expiresAt: Date | null
  /** null: unlimited. */
  maxUses: number | null
  uses: number
  createdAt: Date
}

export type NewLink = Pick<Link, 'id' | 'fileId' | 'expiresAt' | 'maxUses'> & {
  /** A digest of the token. Unique. The token itself is not stored. */
  tokenHash: string
  /** Maximum links per file. */
  mostLinks: number
  now: Date
}

/** One request for a link. Readers are digests. Several digests may identify the same reader. */
export type LinkRequest = {
  /** False: read only, record nothing. */
  count: boolean
  /** Digests of the requesting reader. */
  readers: readonly string[]
  /** Digests that identify this reader until `until`, if its use is recorded. */
  remember: readonly string[]
  until: Date
  now: Date
}

export interface LinkCatalog {
  /**
   * null unless the owner has that file and it is confirmed. Errors: QuotaExceeded if the file has `mostLinks`. The
   * count is exact under concurrency.
   */
  createLink(owner: string, o: NewLink): Promise<Link | null>
  /** Newest first, including used-up and expired links. Empty for a file of another owner. */
  listLinks(owner: string, fileId: string): Promise<Link[]>
  /** Deletes the link. False if there is none or the file has another owner. */
  deleteLink(owner: string, fileId: string, id: string): Promise<boolean>
  /**
   * The file, or null if there is no such link, it has expired or is used up, or the file is not confirmed. With
   * `count` one more use is recorded, never more than `maxUses` under concurrency. A remembered reader gets the file
   * without another use, even if the link is used up. `isNew`: a use was recorded.
   */
  followLink(tokenHash: string, o: LinkRequest): Promise<{ link: Link; file: FileRecord; isNew: boolean } | null>
  /**
   * Whether the link exists and has not expired. True for a used-up link, because its last use may still be running.
   */
  isLinkAlive(id: string, now: Date): Promise<boolean>
  /** Deletes links that expired before this time. Resolves to their number. */
  forgetLinks(before: Date): Promise<number>
}
