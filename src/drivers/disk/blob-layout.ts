/** The paths of a store's files, below its folder. No other file contains these paths. */
import { join } from 'node:path'

/** A blob's path below `objects/`, always with `/`. A backup and the response to a front proxy use the same name. */
export const relativeBlobPath = (id: string): string => `${id.slice(0, 2)}/${id.slice(2, 4)}/${id}`

/** Number of hex digits of an id that name its two folders. */
export const folderDigits = 4

export const isBlobId = (name: string): boolean => /^[0-9a-f]{32}$/.test(name)

/** Whether `name` can be one of the two folders above a blob. `objects/log` is not. */
export const isBlobFolder = (name: string): boolean => /^[0-9a-f]{2}$/.test(name)

/** Whether the file `objects/<outer>/<inner>/<name>` is a blob. */
export const isBlobAt = (outer: string, inner: string, name: string): boolean =>
  isBlobId(name) && relativeBlobPath(name) === `${outer}/${inner}/${name}`

export class BlobLayout {
  readonly root: string
  readonly index: string
  readonly objects: string
  readonly log: string
  readonly temp: string
  /** Damaged blobs, and sets of orphans. */
  readonly quarantine: string

  constructor(root: string) {
    this.root = root
    this.index = join(root, 'index.sqlite')
    this.objects = join(root, 'objects')
    this.log = join(this.objects, 'log')
    this.temp = join(root, 'tmp')
    this.quarantine = join(root, 'quarantine')
  }

  path(id: string): string {
    return join(this.objects, relativeBlobPath(id))
  }

  /** The two folders above a blob, the outer one first. The first `folderDigits` of an id are enough. */
  folders(id: string): [outer: string, inner: string] {
    const outer = join(this.objects, id.slice(0, 2))
    return [outer, join(outer, id.slice(2, 4))]
  }

  /** The quarantine path of a damaged blob. Its note is next to it. */
  quarantined(id: string): string {
    return join(this.quarantine, id)
  }
}
