/** Checks of S3's documented behaviour, written in Python with boto3. Each line that a script prints is one test. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startHarness } from './harness.ts'

type Checked = { name: string; failure: string | null }

const scripts = readdirSync(import.meta.dirname)
  .filter((name) => /^conformance_\w+\.py$/.test(name))
  .toSorted()

/** Run while the tests are collected, because only what it prints says which tests there are. */
async function runChecks(script: string): Promise<Checked[]> {
  const harness = await startHarness()
  try {
    const { stdout } = await harness.run('python', [join(import.meta.dirname, script)], {
      input: harness.spec({ script }),
    })
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Checked)
  } finally {
    await harness.close()
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
