/** The output of a backup: a file, which gets its name only when it is complete, or a stream. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { isThere } from '../cannot-open.ts'
import { refuse } from './format.ts'

export type Output = {
  write(bytes: Buffer): Promise<void>
  /** Call it when the backup is complete. Gives the file its name, durably. */
  finish(): Promise<void>
  /** Deletes the incomplete file. */
  discard(): Promise<void>
}

/** Mode 0600, because the backup may contain secrets. Errors: InvalidRequest if the file exists. */
export async function openFileOutput(file: string): Promise<Output> {
  assertFree(file)
  const partial = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.partial`)
  const handle = await open(partial, 'wx', 0o600)
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten
    },
    async finish() {
      await handle.sync()
      await handle.close()
      assertFree(file)
      await rename(partial, file)
      await syncFolder(dirname(file))
    },
    async discard() {
      await handle.close().catch(() => {})
      await unlink(partial).catch(() => {})
    },
  }
}

export function openStreamOutput(stream: Writable): Output {
  return {
    async write(bytes) {
      if (!stream.write(bytes)) await once(stream, 'drain')
    },
    finish: async () => {},
    discard: async () => {},
  }
}

function assertFree(file: string): void {
  if (isThere(file)) throw refuse(`${file} already exists. Choose another name, or move it away first.`)
}

/** Makes new names in the folder durable, if the system can. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
