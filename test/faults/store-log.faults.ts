/**
 * The commands that convert a store are killed at random moments. The server then either refuses the store or serves it
 * completely, and the same command completes the conversion. Every acknowledged object is served afterwards.
 */
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { send } from './caller.ts'
import { put, startFaultHarness, type FaultHarness } from './fault-harness.ts'
import { noteFigures } from './figures.ts'
import { checkConsistency } from './check-consistency.ts'

const objects = 200
let harness: FaultHarness
beforeAll(async () => {
  harness = await startFaultHarness()
  await fill()
}, 120_000)
afterAll(() => harness.close())

async function fill(): Promise<void> {
  for (let i = 0; i < objects; i++) {
    expect((await put(harness.caller, `key ${i}`, Buffer.from(`bytes ${i}`))).status).toBe(200)
  }
}

/** Resolves to the exit code; null where it was killed after `milliseconds`. */
function command(args: readonly string[], milliseconds = Infinity): Promise<number | null> {
  const script = join(import.meta.dirname, '../../src/cli/postern.ts')
  const child = spawn(process.execPath, [script, ...args, '--storage', harness.installation.storage, '--json'], {
    stdio: 'ignore',
  })
  if (milliseconds < Infinity) void sleep(milliseconds).then(() => child.kill('SIGKILL'))
  return new Promise((resolve) => void child.once('close', resolve))
}

async function expectEverything(): Promise<void> {
  await harness.restart()
  await harness.expectReads()
  for (let i = 0; i < objects; i++) {
    expect((await send(await harness.caller.s3('GET', `key ${i}`))).body).toEqual(Buffer.from(`bytes ${i}`))
  }
  await harness.server().stop()
  expect(await checkConsistency(harness.installation)).toEqual([])
}

it.each([
  ['store convert --to 2', ['store', 'convert', '--to', '2'], async () => {}],
  [
    'rebuild-log',
    ['rebuild-log'],
    () => rm(join(harness.installation.storage, 'objects/log'), { recursive: true, force: true }),
  ],
  ['rebuild-index', ['rebuild-index'], () => rm(join(harness.installation.storage, 'index.sqlite'), { force: true })],
] as const)(
  '%s completes after it was killed at random moments',
  async (name, args, lose) => {
    let kills = 0
    for (let round = 0; round < 5; round++) {
      await harness.server().stop()
      await lose()
      for (let tries = 0; tries < 4; tries++) {
        if ((await command(args, 300 + Math.random() * 500)) === null) kills++
      }
      expect(await command(args)).toBe(0)
      // The start that converts a store back to a log is killed too.
      for (let tries = 0; tries < 2; tries++) {
        const server = harness.installation.start()
        await sleep(200 + Math.random() * 800)
        await server.kill()
      }
      await expectEverything()
    }
    noteFigures(`store-log ${args[0]}`, { [`kills of ${name}`]: kills, 'lost or wrong': 0 })
  },
  300_000,
)
