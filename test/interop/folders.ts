/** Compares folders by the bytes of their files. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { sha256 } from './harness.ts'

/** SHA-256 of every file below `dir`, by its path with slashes. */
export async function digestsOf(dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found[relative(dir, path).split(sep).join('/')] = sha256(await readFile(path))
  }
  return found
}
