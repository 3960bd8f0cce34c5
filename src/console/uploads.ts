/** The uploads of this page, built on `postern/client` and `postern/react` alone. */
import { useSyncExternalStore } from 'react'
import { createClient } from '../client/index.ts'
import { UploadList } from '../react/upload-list.ts'
import type { UploadItem, UploadsSnapshot } from '../react/upload-list.ts'
import { serverUrl } from './api.ts'
import type { FoundFile } from './dropped-files.ts'
import { insertFile } from './files/records.ts'
import { metadataOfPath } from '../react/relative-path.ts'
import { folderOfPath } from './relative-path.ts'
import { session, signInNeeded } from './session.ts'
import { Store } from './store.ts'

/** Files added per frame, so that a folder of thousands does not block the page. */
const step = 100
/** Milliseconds. The dock is redrawn at most ten times a second, however many uploads report progress. */
const redrawIntervalMs = 100

const client = createClient({
  baseUrl: serverUrl(),
  headers: (): Record<string, string> => {
    const { token } = session.get()
    return token ? { authorization: `Bearer ${token}` } : {}
  },
})

export const uploads = new UploadList(client, {
  onSuccess: (record) => insertFile(record),
  onError: (error) => {
    if (error.status === 401) signInNeeded(error.message)
  },
})

/** Visibility of files added next. */
export const newFiles = new Store<{ visibility: 'private' | 'public' }>({ visibility: 'private' })

/** Relative paths of files that were added in folders. */
const paths = new WeakMap<File, string>()

/** The folder of a file being uploaded, such as `photos/2026`. Empty for a file added on its own. */
export const folderOfUpload = (file: File | null): string => (file ? folderOfPath(paths.get(file) ?? '') : '')

export async function addFiles(files: readonly FoundFile[]): Promise<void> {
  const { visibility } = newFiles.get()
  for (let at = 0; at < files.length; at += step) {
    if (at > 0) await new Promise((next) => requestAnimationFrame(next))
    for (const { file, path } of files.slice(at, at + step)) {
      if (path) paths.set(file, path)
      uploads.options = { ...uploads.options, upload: { visibility, metadata: metadataOfPath(path) } }
      uploads.add([file])
    }
  }
}

let drawn = uploads.getSnapshot()
let timer: ReturnType<typeof setTimeout> | undefined
let drawnAt = -Infinity
const listeners = new Set<() => void>()

function draw(): void {
  timer = undefined
  drawnAt = performance.now()
  drawn = uploads.getSnapshot()
  for (const listener of listeners) listener()
}

uploads.subscribe(() => {
  timer ??= setTimeout(draw, Math.max(0, drawnAt + redrawIntervalMs - performance.now()))
})

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export const useUploads = (): UploadsSnapshot => useSyncExternalStore(subscribe, () => drawn)

const unfinished = (fileId: string): UploadItem | undefined =>
  uploads.getSnapshot().items.find((item) => item.fileId === fileId && item.state !== 'success')

/** Whether this browser, now or on an earlier visit, started that upload. */
export const startedHere = (fileId: string): boolean => unfinished(fileId) !== undefined

/** Resumes a multipart upload. Returns false if this browser has no record of it. */
export function resumeWithFile(fileId: string, file: File): boolean {
  const item = unfinished(fileId)
  if (item) uploads.resume(item.id, file)
  return item !== undefined
}
