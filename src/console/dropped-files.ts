/** Files from a drop, a paste or a chosen folder, with their relative paths. */

/** `path` such as `photos/2026/a.jpg`. Empty for a file added on its own. */
export type FoundFile = { file: File; path: string }

/** Must be called during the event, because the browser clears its items afterwards. */
export async function filesOf(transfer: DataTransfer): Promise<FoundFile[]> {
  const entries = Array.from(transfer.items)
    .filter((item) => item.kind === 'file')
    .map((item) => ({ entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile() }))
  const found = await Promise.all(
    entries.map(async ({ entry, file }) => (entry?.isDirectory ? inside(entry) : file ? [{ file, path: '' }] : [])),
  )
  return found.flat()
}

/** Files of an input, which may be a folder input. */
export const filesOfInput = (files: FileList | null): FoundFile[] =>
  Array.from(files ?? [], (file) => ({ file, path: file.webkitRelativePath })).filter(
    ({ file, path }) => path === '' || !isSystemFile(file.name),
  )

async function inside(entry: FileSystemEntry): Promise<FoundFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File | null>((resolve) => {
      ;(entry as FileSystemFileEntry).file(resolve, () => resolve(null))
    })
    return file && !isSystemFile(file.name) ? [{ file, path: entry.fullPath.replace(/^\//, '') }] : []
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const files: FoundFile[] = []
  // Each call returns at most a hundred entries. An empty result marks the end.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])))
    if (batch.length === 0) return files
    files.push(...(await Promise.all(batch.map(inside))).flat())
  }
}

/** Hidden files that operating systems create in folders. */
const isSystemFile = (name: string): boolean => ['.DS_Store', 'Thumbs.db', 'desktop.ini'].includes(name)

export const carriesFiles = (transfer: DataTransfer | null): boolean => transfer?.types.includes('Files') ?? false
