/** An earlier backup, of which only the manifest is read: its place stands in the last block of the file. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import {
  blockSize,
  manifestLineSchema,
  parseDocument,
  refuse,
  trailerSchema,
  type ManifestLine,
  type Trailer,
} from './format.ts'

/** The blobs that it, or one that it builds on, holds intact. */
export type Previous = { id: string; blobs: Map<string, ManifestLine> }

/** Errors: InvalidRequest where the file is no whole backup. */
export async function readPrevious(file: string): Promise<Previous> {
  const { id, manifest } = await readTrailer(file)
  const { offset, size, sha256 } = manifest
  const hash = createHash('sha256')
  const blobs = new Map<string, ManifestLine>()
  if (size > 0) {
    const bytes = createReadStream(file, { start: offset, end: offset + size - 1 })
    bytes.on('data', (chunk) => hash.update(chunk))
    for await (const line of manifestLines(bytes)) if (line.damaged === undefined) blobs.set(line.id, line)
  }
  if (hash.digest('hex') !== sha256) throw refuse(`${file} is damaged: its manifest is not what was written.`)
  return { id, blobs }
}

export async function* manifestLines(bytes: Readable): AsyncGenerator<ManifestLine> {
  for await (const line of createInterface({ input: bytes, crlfDelay: Infinity })) {
    yield parseDocument(manifestLineSchema, line, 'manifest.jsonl')
  }
}

/** Header and content of `complete.json`, one block each, and the two empty blocks that end a tar. */
async function readTrailer(file: string): Promise<Trailer> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const end = Buffer.alloc(4 * blockSize)
    if (size >= end.length) await handle.read(end, 0, end.length, size - end.length)
    if (end.toString('latin1', 0, 14) !== 'complete.json\0') {
      throw refuse(`${file} is no whole backup: it was cut off, compressed, or is something else.`)
    }
    return parseDocument(trailerSchema, end.toString('utf8', blockSize, 2 * blockSize), file)
  } finally {
    await handle.close()
  }
}
