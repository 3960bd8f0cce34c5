/** Checks of S3's documented behaviour, written in Python over boto3: each line a script prints is one test here. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startRig } from './rig.ts'

type Checked = { name: string; failure: string | null }

const scripts = readdirSync(import.meta.dirname)
  .filter((name) => /^conformance_\w+\.py$/.test(name))
  .toSorted()

/** Run while the tests are collected, because only what it prints says which tests there are. */
async function runChecks(script: string): Promise<Checked[]> {
  const rig = await startRig()
  try {
    const { stdout } = await rig.run('python', [join(import.meta.dirname, script)], { input: rig.spec({ script }) })
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Checked)
  } finally {
    await rig.close()
  }
}

for (const script of scripts) {
  const checked = await runChecks(script)
  describe(`checks of ${script}`, () => {
    test.each(checked)('$name', ({ failure }) => {
      expect(failure).toBeNull()
    })
  })
}
