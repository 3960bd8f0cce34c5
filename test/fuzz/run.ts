/**
 * `npm run fuzz -- --minutes 10 --seed 42`: every kind of bad input in turn, for as long as is asked, each round with a
 * seed of its own. `--only NAME` keeps to one kind; a failure prints the line that replays it.
 */
import { parseArgs } from 'node:util'
import { everything } from './all.ts'
import { openFuzzHarness } from './fuzz-harness.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    only: { type: 'string' },
    path: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? Date.now() % 0x7fff_ffff : Number(values.seed)
const chosen = everything.filter(({ name }) => values.only === undefined || name === values.only)
if (!(minutes > 0) || !Number.isInteger(seed) || chosen.length === 0) {
  console.error(`Usage: npm run fuzz -- [--minutes 5] [--seed 1] [--only NAME] [--path PATH]`)
  console.error(`Names: ${everything.map(({ name }) => JSON.stringify(name)).join(', ')}`)
  process.exit(2)
}

const until = Date.now() + minutes * 60_000
const tries = new Map(chosen.map(({ name }) => [name, 0]))
const fuzzed = await openFuzzHarness()
let failed = false
console.log(`seed ${seed}, ${minutes} minutes`)

for (let round = 0; !failed && (round === 0 || (Date.now() < until && values.path === undefined)); round++) {
  for (const { name, usualTries, run } of chosen) {
    if (round > 0 && Date.now() >= until) break
    const roundSeed = (seed + round) | 0
    const replay = values.path === undefined ? { seed: roundSeed } : { seed: roundSeed, path: values.path }
    const outcome = await run(fuzzed, { ...replay, numRuns: usualTries })
    tries.set(name, tries.get(name)! + outcome.tries)
    if (outcome.failure === null) continue
    failed = true
    console.error(outcome.failure.report)
    const path = outcome.failure.path === '' ? '' : ` --path ${outcome.failure.path}`
    console.error(`\nReplay: npm run fuzz -- --only ${JSON.stringify(name)} --seed ${roundSeed}${path}`)
    break
  }
}
if (!failed) await fuzzed.finish()
await fuzzed.close()
for (const [name, count] of tries) console.log(`${String(count).padStart(9)}  ${name}`)
const total = [...tries.values()].reduce((sum, count) => sum + count, 0)
console.log(`${total} tries, seed ${seed}: ${failed ? 'FAILED' : 'nothing answered 5xx, nothing left behind'}`)
process.exit(failed ? 1 : 0)
