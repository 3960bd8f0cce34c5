/** The rounds of one suite, with faults in each. */
import { expect } from 'vitest'
import { noteFigures } from '../figures.ts'
import type { SeededRandom } from '../seeded-random.ts'
import type { Installation } from '../installation.ts'
import { disturb, untilReady, type Disturbance } from './disturbances.ts'
import type { Endpoint } from './object-client.ts'
import { findings, playRound, total, type RoundResult } from './round.ts'

export const rounds = Number(process.env['POSTERN_FAULTS_ROUNDS'] ?? (process.env['CI'] === 'true' ? 2 : 30))

/** Fails at the first round that is not linearizable, and names the file with its history. */
export async function playRounds(o: {
  suite: string
  installation: Installation
  endpoint: Endpoint
  random: SeededRandom
  seed: number
  faults: readonly Disturbance[]
  fileClients: number
}): Promise<void> {
  const results: RoundResult[] = []
  for (let i = 0; i < rounds; i++) {
    const name = `${o.suite}/round-${i}`
    const random = o.random.split(name)
    const token = await o.installation.token(`user-${i}`)
    const result = await playRound({
      name,
      endpoint: o.endpoint,
      random,
      objectClients: 6,
      keys: 4,
      files: { api: o.installation.api, token, clients: o.fileClients, files: 5 },
      milliseconds: 15_000,
      patience: 4000,
      async disturb(isOver) {
        const done = await disturb(o.faults, { random, isOver, pause: 3000 })
        await untilReady(o.installation.api)
        return done
      },
    })
    expect(findings(result, { name, seed: o.seed })).toEqual([])
    results.push(result)
  }
  noteFigures(o.suite, total(results))
}
