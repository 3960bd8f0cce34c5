/**
 * `npm run test:load -- --connections 2000 --uploading 200 --minutes 2`: holds so many connections, of which so many
 * send files all the time, and prints what the gateway's memory does. Fails at the first error, and where memory grows.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { newTally, quietClient, uploadingClient } from './clients.ts'
import type { Ready, Report } from './gateway.ts'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '2000' },
    uploading: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '2' },
  },
})
const connections = Number(values.connections)
const uploading = Number(values.uploading)
const minutes = Number(values.minutes)
if (!(connections >= uploading) || !(uploading >= 0) || !(minutes > 0)) {
  console.error('Usage: npm run test:load -- [--connections 2000] [--uploading 200] [--minutes 2]')
  process.exit(2)
}

const MiB = 1024 * 1024
const child = fork(join(import.meta.dirname, 'gateway.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
const [at] = (await once(child, 'message')) as [Ready]
const memory = async (): Promise<Report> => {
  child.send('report')
  return ((await once(child, 'message')) as [Report])[0]
}

const tally = newTally()
const begun = Date.now()
const life = { tally, at, until: begun + minutes * 60_000 }
const clients: Promise<void>[] = []
for (let i = 0; i < connections; i++) {
  clients.push(i < uploading ? uploadingClient(life, i, { size: MiB / 2, pieces: 16 }) : quietClient(life, i))
  // As fast as a listen queue takes them.
  if (i % 50 === 49) await sleep(50)
}

const samples: number[] = []
console.log('   s  connections  requests  uploads  RSS MiB  heap MiB  buffers MiB')
while (Date.now() < life.until) {
  await sleep(Math.min(10_000, Math.max(1, life.until - Date.now())))
  const { rss, heapUsed, arrayBuffers } = await memory()
  samples.push(rss / MiB)
  const cells = [
    (Date.now() - begun) / 1000,
    tally.open,
    tally.requests,
    tally.uploads,
    ...[rss, heapUsed, arrayBuffers].map((n) => n / MiB),
  ]
  const widths = [4, 11, 8, 7, 7, 8, 11]
  console.log(cells.map((n, i) => n.toFixed(0).padStart(widths[i]!)).join('  '))
}
await Promise.all(clients)
child.send('stop')
await once(child, 'exit')

const third = Math.max(1, Math.floor(samples.length / 3))
const mean = (all: number[]): number => all.reduce((sum, n) => sum + n, 0) / all.length
const early = mean(samples.slice(third, 2 * third))
const late = mean(samples.slice(-third))
const errors = [...tally.errors.values()].reduce((sum, n) => sum + n, 0)
for (const [what, count] of tally.errors) console.error(`${count} × ${what}`)
const isFlat = late < early * 1.125
console.log(
  `${connections} connections, ${uploading} of them uploading, ${minutes} minutes: ${tally.requests} requests, ` +
    `${tally.uploads} files (${(tally.bytes / MiB).toFixed(0)} MiB), ${errors} errors; ` +
    `RSS ${early.toFixed(0)} MiB in the middle third, ${late.toFixed(0)} MiB in the last: ${isFlat ? 'flat' : 'GROWING'}`,
)
process.exit(errors === 0 && isFlat ? 0 : 1)
