/** `postern restore`: restores the last of the named backups into an empty folder. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, statfs, unlink, writeFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { StorageError } from '../errors.ts'
import { headerSchema, headLine, parseDocument, refuse, trailerSchema } from './format.ts'
import type { DatabaseName, DocumentName, Header, ManifestLine, Trailer } from './format.ts'
import { manifestLines } from './previous.ts'
import { assertPlainCatalog, openRestoredIndex, type RestoredIndex } from './restored-index.ts'
import { assertEmpty, Staging, type Target } from './target.ts'
import { unpack, type Content } from './unpack.ts'
import { unpackBlob, type Unpacked } from './unpack-blob.ts'

export type RestoreOptions = Target & {
  /** Oldest first. The last one is restored. The others contain blobs that it does not repeat. */
  files: readonly (string | Readable)[]
  onTotal?: (bytes: number) => void
  onBytes?: (bytes: number) => void
  signal: AbortSignal
}

export type RestoreResult = {
  header: Header
  blobs: number
  databases: DatabaseName[]
  /** secrets.json and keys.json, if the backup has them. */
  secrets: string[]
  damaged: ManifestLine[]
}

/** Errors: InvalidRequest, with the problem and what to do. A failed restore leaves nothing. */
export async function restoreBackup(o: RestoreOptions): Promise<RestoreResult> {
  await assertEmpty(o)
  const staging = new Staging(o)
  await staging.prepare()
  const restore = new Restore(o, staging)
  try {
    const result = await restore.run()
    await staging.commit(result.databases, result.secrets)
    return result
  } catch (error) {
    await staging.discard()
    throw error
  } finally {
    restore.close()
  }
}

class Restore {
  readonly #o: RestoreOptions
  readonly #staging: Staging
  readonly #databases: DatabaseName[] = []
  readonly #secrets: string[] = []
  /** Blobs in the staging folder. */
  readonly #unpacked = new Map<string, Unpacked>()
  readonly #head = createHash('sha256')
  #manifestHash = ''
  #header: Header | null = null
  #index: RestoredIndex | null = null
  #lines = new Map<string, ManifestLine>()

  constructor(o: RestoreOptions, staging: Staging) {
    this.#o = o
    this.#staging = staging
  }

  close(): void {
    this.#index?.close()
  }

  async run(): Promise<RestoreResult> {
    const newest = this.#o.files.at(-1)!
    await unpack(newest, {
      document: (name, text) => this.#document(name, text),
      database: (name, content) => this.#database(name, content),
      blob: (id, size, content) => this.#blob(id, size, content),
      manifest: (content) => this.#manifest(content),
    })
    for (const file of this.#o.files.slice(0, -1).toReversed()) await this.#fromEarlier(file)
    const damaged = await this.#settle()
    const header = this.#header
    if (!header) throw refuse('The backup is damaged: it has no header.')
    this.#index?.close()
    this.#index = null
    // Format 1 has no log. It is written from the index, which was checked before.
    if (this.#databases.includes('index.sqlite'))
      await this.#staging.writeLog({ withCatalog: this.#databases.includes('catalog.sqlite') })
    const blobs = this.#unpacked.size
    return { header, blobs, databases: this.#databases, secrets: this.#secrets, damaged }
  }

  async #document(name: DocumentName, text: string): Promise<void> {
    if (name === 'complete.json') return this.#assertComplete(parseDocument(trailerSchema, text, name))
    this.#head.update(headLine(name, createHash('sha256').update(text).digest('hex')))
    if (name === 'postern-backup.json') {
      this.#header = parseDocument(headerSchema, text, name)
      return
    }
    await writeFile(this.#staging.file(name), text, { mode: 0o600, flag: 'wx' })
    this.#secrets.push(name)
  }

  #assertComplete({ id, manifest, head }: Trailer): void {
    if (id !== this.#header?.id) throw refuse('The backup is damaged: its end belongs to another backup.')
    if (manifest.sha256 === this.#manifestHash && head === this.#head.digest('hex')) return
    throw refuse('The backup is damaged: its files have changed.')
  }

  async #database(name: DatabaseName, content: Content): Promise<void> {
    if (name === 'catalog.sqlite' && this.#o.catalog === null) {
      throw refuse(
        'The backup contains an SQLite catalog, but database.url names another kind of database. ' +
          'Restore with --set database.url=sqlite:PATH.',
      )
    }
    const file = this.#staging.file(name)
    this.#head.update(headLine(name, await save(file, content)))
    this.#databases.push(name)
    if (name === 'catalog.sqlite') return assertPlainCatalog(file)
    this.#index = openRestoredIndex(file)
    await this.#assertRoom(this.#index.bytes)
    this.#o.onTotal?.(this.#index.bytes)
  }

  async #assertRoom(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#staging.path)
    if (bavail * bsize > bytes) return
    throw new StorageError('InsufficientStorage', {
      message: `The backup needs ${bytes} bytes, but only ${bavail * bsize} are free at ${this.#o.store}. Free some space, or restore to another folder with --storage.`,
    })
  }

  /** Writes only blobs that are in the index, with the size in the index. */
  async #blob(id: string, size: number, content: Content): Promise<void> {
    this.#o.signal.throwIfAborted()
    const row = this.#index?.find(id)
    if (row?.size !== size || this.#unpacked.has(id))
      throw refuse(`The backup is damaged: it contains a blob (${id}) that is not in its index.`)
    this.#unpacked.set(id, await unpackBlob(await this.#staging.blob(id), row, content))
    this.#o.onBytes?.(size)
  }

  async #manifest(content: Content): Promise<void> {
    const file = this.#staging.file('manifest.jsonl')
    this.#manifestHash = await save(file, content)
    for await (const line of manifestLines(createReadStream(file))) this.#lines.set(line.id, line)
    await unlink(file)
  }

  /** Restores the blobs that are still missing from an earlier backup. */
  async #fromEarlier(file: string | Readable): Promise<void> {
    let id = ''
    await unpack(file, {
      document: (name, text) => {
        if (name !== 'postern-backup.json') return
        const header = parseDocument(headerSchema, text, name)
        if (header.createdAt > this.#header!.createdAt) {
          throw refuse(
            `The backup of ${header.createdAt} is newer than the last one named, of ${this.#header!.createdAt}. ` +
              'Name the backups oldest first. The last one is restored.',
          )
        }
        id = header.id
      },
      blob: async (blob, size, content) => {
        if (this.#lines.get(blob)?.in === id && !this.#unpacked.has(blob)) await this.#blob(blob, size, content)
      },
    })
  }

  /** Checks that every row has its blob with the right bytes. Moves blobs that the manifest lists as damaged to quarantine. */
  async #settle(): Promise<ManifestLine[]> {
    const damaged: ManifestLine[] = []
    const missing = new Set<string>()
    for (const { id } of this.#index?.rows() ?? []) {
      const line = this.#lines.get(id)
      const found = this.#unpacked.get(id)
      if (!line) throw refuse('The backup is damaged: its manifest lacks a blob of its index.')
      if (line.damaged !== undefined) damaged.push(line)
      if (found && found.sha256 !== line.sha256) throw wrongBytes(id)
      if (found && !found.isIntact && line.damaged === undefined) throw wrongBytes(id)
      if (!found && line.sha256 !== undefined) missing.add(line.in)
    }
    if (missing.size > 0) throw this.#earlierMissing(missing)
    for (const { id } of damaged) if (this.#unpacked.has(id)) await this.#staging.quarantine(id)
    return damaged
  }

  #earlierMissing(ids: Set<string>): StorageError {
    if (this.#header && ids.has(this.#header.id))
      return refuse('The backup is damaged: it lacks blobs of its manifest.')
    return refuse(
      'This backup contains only the blobs that were new since an earlier one. Also name the backups it builds on, oldest first: ' +
        `postern restore FULL.tar … THIS.tar (not found: ${[...ids].join(', ')})`,
    )
  }
}

const wrongBytes = (id: string): StorageError =>
  refuse(`The backup is damaged: the bytes of the blob ${id} have changed.`)

/** Resolves to the SHA-256. */
async function save(file: string, content: Content): Promise<string> {
  const hash = createHash('sha256')
  const handle = await open(file, 'wx', 0o600)
  try {
    for await (const chunk of content) {
      hash.update(chunk)
      await handle.appendFile(chunk)
    }
    await handle.sync()
    return hash.digest('hex')
  } finally {
    await handle.close()
  }
}
