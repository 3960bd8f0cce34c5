/** Where a backup goes: a file that has its name only when it is whole, or a stream. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { isThere } from '../cannot-open.ts'
import { refuse } from './format.ts'

export type Output = {
  write(bytes: Buffer): Promise<void>
  /** The backup is whole: from now on it has its name, also after a power cut. */
  finish(): Promise<void>
  /** Nothing stays. */
  discard(): Promise<void>
}

/** Mode 0600, for it may hold secrets. Errors: InvalidRequest where a file of this name is there. */
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
  if (isThere(file)) throw refuse(`${file} is there already: choose another name, or move it away first.`)
}

/** Makes a new name survive a power cut, where the system can. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
