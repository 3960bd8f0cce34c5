/**
 * `node scripts/publish.ts --tag v1.2.3 [--dry-run]`: publishes the three packages of dist/packages to npm, with a
 * provenance statement. Refuses a tag that is not the version of every package.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { tag = '', 'dry-run': isTrial = false } = parseArgs({
  options: { tag: { type: 'string' }, 'dry-run': { type: 'boolean' } },
}).values
const packages = join(import.meta.dirname, '../dist/packages')
// The packages that others need come first.
const folders = ['client', 'react', 'postern'].map((name) => join(packages, name))

for (const folder of folders) {
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>
  if (tag !== `v${version}`) {
    console.error(`The tag ${tag} is not v${version}, the version of ${name}.`)
    process.exit(2)
  }
}
for (const folder of folders) {
  const args = ['publish', folder, '--access', 'public', ...(isTrial ? ['--dry-run'] : ['--provenance'])]
  const { status } = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
