/** The catalog port, as far as it is about links: part of `Catalog`, whose rules hold here too. */
import type { FileRecord } from './catalog.ts'

/** A counted, revocable way to a confirmed file, for whoever has its token. */
export type Link = {
  id: string
  fileId: string
  /** null: it does not end by itself. */
  expiresAt: Date | null
  /** null: any number. */
  maxUses: number | null
  uses: number
  createdAt: Date
}

export type NewLink = Pick<Link, 'id' | 'fileId' | 'expiresAt' | 'maxUses'> & {
  /** What the token is found by; the token itself is kept nowhere. Unique. */
  tokenHash: string
  /** Links that one file may have. */
  mostLinks: number
  now: Date
}

/** One request for a link. Readers are digests, of which several may name the same reader. */
export type LinkRequest = {
  /** False: only look, nothing is recorded. */
  count: boolean
  /** Digests of the reader that asks. */
  readers: readonly string[]
  /** Digests by which this reader is known until `until`, if its use is recorded. */
  remember: readonly string[]
  until: Date
  now: Date
}

export interface LinkCatalog {
  /**
   * null unless the owner has that file and it is confirmed. Errors: QuotaExceeded when the file has `mostLinks`,
   * counted exactly however many ask at a time.
   */
  createLink(owner: string, o: NewLink): Promise<Link | null>
  /** Newest first, spent and expired ones too; none for someone else's file. */
  listLinks(owner: string, fileId: string): Promise<Link[]>
  /** Forgets the link; false when there is none, or the file is someone else's. */
  deleteLink(owner: string, fileId: string, id: string): Promise<boolean>
  /**
   * The file, or null when there is no such link, it has expired, its uses are spent, or the file is not confirmed.
   * With `count` one more use is recorded: never more than `maxUses`, however many ask at a time. A reader that is still
   * remembered gets the file without another use, also from a link that is spent. `isNew`: a use was recorded.
   */
  followLink(tokenHash: string, o: LinkRequest): Promise<{ link: Link; file: FileRecord; isNew: boolean } | null>
  /** Whether the link is there and has not expired. Its uses may be spent: the last of them is still a use. */
  isLinkAlive(id: string, now: Date): Promise<boolean>
  /** Forgets links that expired before; resolves to their number. */
  forgetLinks(before: Date): Promise<number>
}
