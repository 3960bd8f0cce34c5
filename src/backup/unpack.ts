/** Reads an archive entry by entry. The name of an entry is checked before its bytes are used. */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { StorageError } from '../errors.ts'
import { databases, documents, idOfBlobName, refuse, type DatabaseName, type DocumentName } from './format.ts'
import { plainTarOnly } from './plain-tar.ts'

export type Content = AsyncIterable<Buffer>
/** Entries without a handler are skipped. */
export type Handlers = {
  document(name: DocumentName, text: string): Promise<void> | void
  database?(name: DatabaseName, content: Content): Promise<void>
  blob(id: string, size: number, content: Content): Promise<void>
  manifest?(content: Content): Promise<void>
}

/** `file` is a path or a stream. Errors: InvalidRequest if it is not a complete backup. */
export async function unpack(file: string | Readable, handlers: Handlers): Promise<void> {
  const source = typeof file === 'string' ? createReadStream(file, { highWaterMark: 1024 * 1024 }) : file
  const gate = plainTarOnly()
  const entries = extract()
  // The reader of an entry only gets "Stream was destroyed", so the first error is kept.
  let broken: Error | undefined
  const fail = (error: Error): void => {
    broken ??= error
    gate.destroy(error)
    entries.destroy(error)
  }
  source.on('error', fail)
  gate.on('error', fail)
  entries.on('error', (error: Error) => (broken ??= error))
  source.pipe(gate)
  gate.pipe(entries as unknown as NodeJS.WritableStream)
  const seen = new Set<string>()
  let last = ''
  try {
    for await (const entry of entries) {
      const { name, size = 0 } = entry.header
      if (seen.size === 0 && name !== 'postern-backup.json') throw notOurs()
      if (last === 'complete.json') throw refuse('The backup is damaged: it has data after its end.')
      // A repeated blob fails when its file is written.
      if (seen.has(name)) throw refuse(`The backup is damaged: it contains ${name} twice.`)
      if (idOfBlobName(name) === null) seen.add(name)
      last = name
      await handle(handlers, name, size, entry as unknown as Content)
      for await (const _ of entry as unknown as Content);
    }
  } catch (cause) {
    const error: unknown = /Stream was destroyed/.test(String(cause)) ? (broken ?? cause) : cause
    throw /Invalid tar header|Unexpected end of data|Stream was destroyed/.test(String(error)) &&
      !(error instanceof StorageError)
      ? notOurs(error)
      : error
  } finally {
    source.destroy()
    gate.destroy()
    entries.destroy(new Error('read'))
  }
  if (last !== 'complete.json') throw refuse('The backup is not complete. It is truncated.')
}

async function handle(handlers: Handlers, name: string, size: number, content: Content): Promise<void> {
  const id = idOfBlobName(name)
  if (id !== null) return handlers.blob(id, size, content)
  if (isOneOf(databases, name)) return handlers.database?.(name, content)
  if (name === 'manifest.jsonl') return handlers.manifest?.(content)
  if (!isOneOf(Object.keys(documents) as DocumentName[], name)) {
    throw refuse('This is not a Postern backup: it contains a file with an unknown name.')
  }
  if (size > documents[name])
    throw refuse(`This is not a Postern backup: ${name} has ${size} bytes, but at most ${documents[name]} are allowed.`)
  const chunks: Buffer[] = []
  for await (const chunk of content) chunks.push(chunk)
  await handlers.document(name, Buffer.concat(chunks).toString('utf8'))
}

const isOneOf = <T extends string>(names: readonly T[], name: string): name is T => names.includes(name as T)

const notOurs = (cause?: unknown): StorageError =>
  new StorageError('InvalidRequest', {
    message: 'This is not a Postern backup, or it is truncated or compressed.',
    cause,
  })
