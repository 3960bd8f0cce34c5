/** Reads the manifest of an earlier backup. The last block of the file has its offset. */
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

/** `blobs` are those that are intact in this backup or in one that it builds on. */
export type Previous = { id: string; blobs: Map<string, ManifestLine> }

/** Errors: InvalidRequest if the file is not a complete backup. */
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
  if (hash.digest('hex') !== sha256) throw refuse(`${file} is damaged: its manifest has changed.`)
  return { id, blobs }
}

export async function* manifestLines(bytes: Readable): AsyncGenerator<ManifestLine> {
  for await (const line of createInterface({ input: bytes, crlfDelay: Infinity })) {
    yield parseDocument(manifestLineSchema, line, 'manifest.jsonl')
  }
}

/** Reads `complete.json` from the last four blocks: its header, its content, and the two empty blocks at the end of a tar. */
async function readTrailer(file: string): Promise<Trailer> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const end = Buffer.alloc(4 * blockSize)
    if (size >= end.length) await handle.read(end, 0, end.length, size - end.length)
    if (end.toString('latin1', 0, 14) !== 'complete.json\0') {
      throw refuse(`${file} is not a complete backup. It is truncated, compressed, or another kind of file.`)
    }
    return parseDocument(trailerSchema, end.toString('utf8', blockSize, 2 * blockSize), file)
  } finally {
    await handle.close()
  }
}
