/** SHA-256 of files, in a Worker if possible. `crypto.subtle` is missing on plain HTTP. */
import type { Answer, Ask } from './checksum-worker.ts'
import { fileChanged } from './source.ts'
import { UploadError } from './upload-error.ts'

type Waiting = { resolve(value: string): void; reject(error: unknown): void }

let worker: Worker | null = null
/** The Worker could not be loaded: a bundler left it out, or the page's content security policy forbids it. */
let isBroken = typeof Worker === 'undefined'
let idle: ReturnType<typeof setTimeout> | undefined
let lastId = 0
const waiting = new Map<number, Waiting>()

/** Base64. Errors: `file-changed`, or `checksum` if this browser or page cannot compute one. */
export async function sha256(blob: Blob, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted()
  try {
    return await inWorker(blob, signal).catch(async (error: unknown) => {
      if (!isBroken) throw error
      const { sha256Of } = await import('./sha256.ts')
      return sha256Of(blob, () => !signal.aborted)
    })
  } catch (error) {
    throw translate(error)
  } finally {
    signal.throwIfAborted()
  }
}

function inWorker(blob: Blob, signal: AbortSignal): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    const port = openWorker()
    if (!port) return reject(new Error('no worker'))
    const id = ++lastId
    const end = (): void => {
      waiting.delete(id)
      signal.removeEventListener('abort', abort)
      closeLater()
    }
    const settle =
      <T>(how: (value: T) => void) =>
      (value: T): void => {
        end()
        how(value)
      }
    const abort = (): void => {
      end()
      port.postMessage({ id } satisfies Ask)
      reject(signal.reason)
    }
    waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
    signal.addEventListener('abort', abort)
    port.postMessage({ id, blob } satisfies Ask)
  })
}

function openWorker(): Worker | null {
  clearTimeout(idle)
  if (worker || isBroken) return worker
  try {
    // Bundlers recognise this exact expression and include the file.
    worker = new Worker(new URL('./checksum-worker.ts', import.meta.url), { type: 'module' })
  } catch {
    isBroken = true
    return null
  }
  worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
    const job = waiting.get(data.id)
    if (data.value === undefined) job?.reject(data.error)
    else job?.resolve(data.value)
  })
  worker.addEventListener('error', () => {
    isBroken = true
    worker?.terminate()
    worker = null
    for (const job of waiting.values()) job.reject(new Error('no worker'))
  })
  return worker
}

function closeLater(): void {
  if (waiting.size > 0) return
  idle = setTimeout(() => {
    worker?.terminate()
    worker = null
  }, 5000)
}

function translate(error: unknown): unknown {
  if (error instanceof UploadError) return error
  if (error instanceof DOMException) return fileChanged(error)
  return new UploadError('checksum', 'This page cannot compute checksums because WebAssembly is not available.', {
    cause: error,
  })
}
