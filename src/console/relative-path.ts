/** The folder of a file, from the relative path in its metadata. */
import { metadataName } from '../react/relative-path.ts'
import { displayName } from './format.ts'

/** For example `photos/2026`. Empty for a file that was uploaded on its own. */
export function folderOf({ metadata }: { metadata: Record<string, string> }): string {
  return folderOfPath(metadata[metadataName] ?? '')
}

export function folderOfPath(path: string): string {
  const segments = path.split(/[/\\]/).filter((segment) => segment !== '')
  return displayName(segments.slice(0, -1).join('/'))
}
