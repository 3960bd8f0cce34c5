/** The uploads of this page, on `postern/client` and `postern/react`: what is done here, any page can do. */
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

/** Files handed over between two frames: a folder of thousands must not hold the page up. */
const step = 100
/** Ten times a second is all an eye needs, however many uploads tell of themselves. */
const drawEvery = 100

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

/** Who may read the files that are added next. */
export const newFiles = new Store<{ visibility: 'private' | 'public' }>({ visibility: 'private' })

/** Of files that came in folders. */
const paths = new WeakMap<File, string>()

/** `photos/2026` of a file that is being sent; empty where it came alone. */
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
const told = new Set<() => void>()

function draw(): void {
  timer = undefined
  drawnAt = performance.now()
  drawn = uploads.getSnapshot()
  for (const listener of told) listener()
}

uploads.subscribe(() => {
  timer ??= setTimeout(draw, Math.max(0, drawnAt + drawEvery - performance.now()))
})

function subscribe(listener: () => void): () => void {
  told.add(listener)
  return () => void told.delete(listener)
}

export const useUploads = (): UploadsSnapshot => useSyncExternalStore(subscribe, () => drawn)

const unfinished = (fileId: string): UploadItem | undefined =>
  uploads.getSnapshot().items.find((item) => item.fileId === fileId && item.state !== 'success')

/** Whether this page or an earlier visit of this browser began that upload. */
export const knownHere = (fileId: string): boolean => unfinished(fileId) !== undefined

/** Goes on with an upload in parts. False where this browser does not remember it. */
export function chooseAgain(fileId: string, file: File): boolean {
  const item = unfinished(fileId)
  if (item) uploads.resume(item.id, file)
  return item !== undefined
}
