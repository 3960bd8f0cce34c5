/** Run as a process of its own: three workers of which the first asks the others and prints what it heard. */
import { setTimeout as sleep } from 'node:timers/promises'
import { superviseWorkers, takeLink } from '../../src/cli/workers.ts'

const link = takeLink()
if (link) {
  const { peers } = link
  peers.answer('who', (word: string) => `${word} ${peers.index}`)
  peers.answer('never', () => new Promise(() => {}))
  await link.tell({ postern: 'ready', addresses: { apiUrl: `of ${peers.index}`, objectsUrl: null, notReady: null } })
  if (peers.index === 0) {
    let who: string[] = []
    while (who.length < 2) {
      await sleep(10)
      who = await peers.ask<string>('who', 'worker')
    }
    const unknown = await peers.ask('what nobody answers')
    const silent = await peers.ask('never').then(
      () => 'answered',
      (error: Error) => error.message,
    )
    console.log(JSON.stringify({ who: who.toSorted(), unknown, silent }))
  }
  await link.stopped
  process.exit(0)
}
const log = { info: () => {}, error: () => {} }
const stopped = new Promise(() => {})
const { addresses, close } = (await superviseWorkers(3, { log, listen: [], stopped }))!
process.once('message', () => void close(5000).then(() => process.disconnect()))
process.send!(addresses)
