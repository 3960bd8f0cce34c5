/** Files out of a drop, a paste or a folder that was chosen, with where they lay. */

/** `path` as in `photos/2026/a.jpg`; empty for what came alone. */
export type FoundFile = { file: File; path: string }

/** Must be called while the event is being handled: its items are gone afterwards. */
export async function filesOf(transfer: DataTransfer): Promise<FoundFile[]> {
  const entries = Array.from(transfer.items)
    .filter((item) => item.kind === 'file')
    .map((item) => ({ entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile() }))
  const found = await Promise.all(
    entries.map(async ({ entry, file }) => (entry?.isDirectory ? inside(entry) : file ? [{ file, path: '' }] : [])),
  )
  return found.flat()
}

/** Of an input, which may be one for folders. */
export const filesOfInput = (files: FileList | null): FoundFile[] =>
  Array.from(files ?? [], (file) => ({ file, path: file.webkitRelativePath })).filter(
    ({ file, path }) => path === '' || !isLitter(file.name),
  )

async function inside(entry: FileSystemEntry): Promise<FoundFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File | null>((resolve) => {
      ;(entry as FileSystemFileEntry).file(resolve, () => resolve(null))
    })
    return file && !isLitter(file.name) ? [{ file, path: entry.fullPath.replace(/^\//, '') }] : []
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const files: FoundFile[] = []
  // One call yields a hundred entries at most: the end is an empty answer.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])))
    if (batch.length === 0) return files
    files.push(...(await Promise.all(batch.map(inside))).flat())
  }
}

/** What systems leave in folders unseen. */
const isLitter = (name: string): boolean => ['.DS_Store', 'Thumbs.db', 'desktop.ini'].includes(name)

export const carriesFiles = (transfer: DataTransfer | null): boolean => transfer?.types.includes('Files') ?? false
