/**
 * Two users who do anything in any order, one step at a time or several at once. After every step all that can be seen
 * is held against the contract's invariants; where a step ran alone, its answer is known beforehand too.
 */
import { strict as assert } from 'node:assert'
import * as fc from 'fast-check'
import type { Fuzz } from '../fuzz/fuzz.ts'
import { act } from './act.ts'
import { observe } from './observe.ts'
import { step, type Step } from './step.ts'
import { newWorld, openStand, users, type Stand, type World } from './world.ts'

class Alone implements fc.AsyncCommand<World, Stand> {
  readonly #step: Step
  constructor(one: Step) {
    this.#step = one
  }
  check = (): boolean => true
  async run(world: World): Promise<void> {
    const { status, allowed, text, after } = await act(world, this.#step)
    assert.ok(allowed.includes(status), `answered ${status}, not ${allowed.join(' or ')}: ${text}`)
    after?.()
    await observe(world, true)
  }
  toString = (): string => JSON.stringify(this.#step)
}

class AtOnce implements fc.AsyncCommand<World, Stand> {
  readonly #steps: readonly Step[]
  constructor(all: readonly Step[]) {
    this.#steps = all
  }
  check = (): boolean => true
  async run(world: World): Promise<void> {
    const acted = await Promise.all(this.#steps.map((one) => act(world, one)))
    for (const { status, text } of acted) assert.ok(status < 500, `answered ${status}: ${text}`)
    await observe(world, false)
    await lookInside(world)
  }
  toString = (): string => `at once ${JSON.stringify(this.#steps)}`
}

/** Of several at once nobody outside can tell which was last: what was written, and what was reserved. */
async function lookInside(world: World): Promise<void> {
  const { catalog } = world.gateway.gateway
  for (const file of world.known) {
    if (file.status !== 'pending' || file.kind !== 'put') continue
    file.stored = await storedNow(world, file.key)
    file.reserved = (await catalog.findUploadByKey(file.key))?.grant?.reservedBytes ?? file.reserved
  }
}

async function storedNow({ gateway }: World, key: string): Promise<string | null> {
  const { driver, config } = gateway.gateway
  try {
    const object = await driver.getObject({ bucket: config.storage.bucket, key })
    return await new Response(object.stream() as never).text()
  } catch {
    return null
  }
}

const commands = fc.commands(
  [
    step.map((one) => new Alone(one)),
    fc
      .array(
        // Time stands still while several act: what has run out meanwhile nobody could tell.
        step.filter(({ do: verb }) => verb !== 'expire' && verb !== 'crossExpiry' && verb !== 'part'),
        { minLength: 2, maxLength: 6 },
      )
      .map((all) => new AtOnce(all)),
  ],
  { maxCommands: 30, size: 'max' },
)

const firstUpload = {
  do: 'create',
  bytes: 20,
  declared: true,
  isPublic: false,
  autoConfirm: false,
  expiresIn: 600,
} as const

async function play(stand: Stand, all: Iterable<fc.AsyncCommand<World, Stand>>): Promise<void> {
  const world = await newWorld(stand)
  try {
    for (const by of users) await act(world, { ...firstUpload, by })
    await observe(world, true)
    await fc.asyncModelRun(() => ({ model: world, real: stand }), all)
  } finally {
    // Also where it failed: the next world is not to find what this one left.
    for (const file of world.known) await world.callers[file.owner].delete(`/files/${file.id}`)
    world.advance(8 * 86_400)
    await world.collect()
  }
  await expectNothing(world)
}

/** When everything is deleted and every time has run out, nothing is left of it. */
async function expectNothing(world: World): Promise<void> {
  for (const user of users) {
    const { json } = await world.callers[user].get('/files/usage')
    assert.partialDeepStrictEqual(json, { bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 })
  }
  const { driver, config } = world.gateway.gateway
  const { objects } = await driver.listObjects({ bucket: config.storage.bucket })
  const { uploads } = await driver.listMultipartUploads({ bucket: config.storage.bucket })
  assert.deepEqual([objects, uploads], [[], []], 'left in the store')
}

/** Brings a gateway of its own: its clock is not the others'. */
export const twoUsers: Fuzz = {
  name: 'two users',
  usualTries: 8,
  async run(_stage, o) {
    const stand = await openStand()
    try {
      const details = await fc.check(
        fc.asyncProperty(commands, (all) => play(stand, all)),
        // A try takes too long to look for a smaller one: its seed and path replay it.
        { ...o, endOnFailure: true },
      )
      const { failed, numRuns, counterexamplePath, errorInstance } = details
      const why = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : ''
      const report = `${fc.defaultReportMessage(details)}\n${why}`
      return { tries: numRuns, failure: failed ? { report, path: counterexamplePath ?? '' } : null }
    } finally {
      await stand.gateway.close()
    }
  },
}
