/** `postern backup`, with or without a running server. */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { placeHold, type Hold } from '../drivers/disk/holds.ts'
import { openToRead } from '../drivers/disk/verify/verify-store.ts'
import { packBlob, type BlobRow } from './pack-blob.ts'
import { blockSize, headLine, type DatabaseName, type Header, type ManifestLine, type Trailer } from './format.ts'
import type { Output } from './output.ts'
import type { Previous } from './previous.ts'
import { copyDatabases, type DatabaseFiles } from './snapshot.ts'
import { TarWriter } from './tar-writer.ts'

export type BackupOptions = {
  driver: string
  bucket: string
  /** The folder of the store. Null if the objects are in a bucket. */
  store: string | null
  databases: DatabaseFiles
  /** Paths of secrets.json and keys.json, if they exist and should be copied. */
  secrets: readonly string[]
  previous: Previous | null
  /** For copies of the databases. */
  workFolder: string
  onTotal?: (bytes: number) => void
  onBytes?: (bytes: number) => void
  signal: AbortSignal
}

export type BackupResult = {
  id: string
  /** Blobs in this file. */
  blobs: number
  bytes: number
  earlierBlobs: number
  /** Blobs whose bytes differ from those that were stored. */
  damaged: ManifestLine[]
}

export async function createBackup(o: BackupOptions, output: Output): Promise<BackupResult> {
  const work = await mkdtemp(join(o.workFolder, '.postern-backup-'))
  const hold = o.store === null ? null : await placeHold(o.store)
  const tar = new TarWriter((bytes) => output.write(bytes))
  try {
    const result = await fill(o, { tar, work, hold })
    await output.finish()
    return result
  } catch (error) {
    tar.abort()
    await output.discard()
    throw error
  } finally {
    await hold?.release()
    await rm(work, { recursive: true, force: true })
  }
}

type Parts = { tar: TarWriter; work: string; hold: Hold | null }

async function fill(o: BackupOptions, { tar, work, hold }: Parts): Promise<BackupResult> {
  // The hold is placed, so no blob that the index has now is deleted until the end.
  const copies = await copyDatabases(o.databases, work)
  const at = new Date()
  const id = randomBytes(16).toString('hex')
  const { driver, bucket } = o
  const header: Header = { format: 1, id, createdAt: at.toISOString(), driver, bucket, since: o.previous?.id ?? null }
  let head = ''
  const addText = async (name: string, text: string): Promise<void> => {
    head += headLine(name, createHash('sha256').update(text).digest('hex'))
    await tar.addText(name, text, { mode: 0o600, at })
  }
  await addText('postern-backup.json', `${JSON.stringify(header, null, 2)}\n`)
  for (const [name, file] of Object.entries(copies) as [DatabaseName, string][]) {
    head += headLine(name, await sha256Of(file))
    await addFile(tar, name, file, at)
  }
  for (const file of o.secrets) await addText(basename(file), await readFile(file, 'utf8'))
  const manifest = join(work, 'manifest.jsonl')
  await writeFile(manifest, '')
  const index = copies['index.sqlite']
  const result = await addBlobs(o, tar, { index, manifest, id, at, hold })
  const place = { offset: tar.nextContent, size: (await stat(manifest)).size, sha256: await sha256Of(manifest) }
  await addFile(tar, 'manifest.jsonl', manifest, at)
  hold?.assertHeld()
  const trailer: Trailer = { id, manifest: place, head: createHash('sha256').update(head).digest('hex') }
  await tar.addText('complete.json', JSON.stringify(trailer).padEnd(blockSize), { mode: 0o600, at })
  await tar.finish()
  return { id, ...result }
}

type BlobParts = { index: string | undefined; manifest: string; id: string; at: Date; hold: Hold | null }

async function addBlobs(
  o: BackupOptions,
  tar: TarWriter,
  { index, manifest, id, at, hold }: BlobParts,
): Promise<Omit<BackupResult, 'id'>> {
  const result = { blobs: 0, bytes: 0, earlierBlobs: 0, damaged: [] as ManifestLine[] }
  if (index === undefined || o.store === null) return result
  const db = openToRead(index)
  try {
    o.onTotal?.(db.prepare('SELECT total(size) FROM blobs').pluck().get() as number)
    const page = db.prepare<[string], BlobRow>('SELECT id, size, sums FROM blobs WHERE id > ? ORDER BY id LIMIT 200')
    for (let rows = page.all(''); rows.length > 0; rows = page.all(rows.at(-1)!.id)) {
      const lines: ManifestLine[] = []
      for (const row of rows) {
        o.signal.throwIfAborted()
        hold?.assertHeld()
        const earlier = o.previous?.blobs.get(row.id)
        const line = earlier ?? { ...(await packBlob(tar, row, { store: o.store, at, signal: o.signal })), in: id }
        lines.push(line)
        o.onBytes?.(row.size)
        if (line.damaged !== undefined) result.damaged.push(line)
        if (earlier) result.earlierBlobs++
        else if (line.sha256 !== undefined) {
          result.blobs++
          result.bytes += row.size
        }
      }
      await appendFile(manifest, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    }
    return result
  } finally {
    db.close()
  }
}

async function addFile(tar: TarWriter, name: string, file: string, at: Date): Promise<void> {
  const { size } = await stat(file)
  await tar.add(name, { size, mode: 0o600, at }, async (entry) => {
    for await (const chunk of createReadStream(file)) await entry.write(chunk as Buffer)
  })
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
