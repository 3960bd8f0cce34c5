import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The version of this package. The manifest is two steps up from src/config, dist/config and the bundle in dist/cli. */
export function packageVersion(): string {
  const file = join(import.meta.dirname, '..', '..', 'package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
