/** Runs as a child process: three workers, of which the first asks the others and prints their answers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { question } from '../../src/drivers/peers.ts'
import { superviseWorkers, takeLink } from '../../src/cli/workers.ts'

const who = question<string, string>('who')
const never = question<void, string>('never')

const link = takeLink()
if (link) {
  const { peers } = link
  peers.answer(who, (word) => `${word} ${peers.index}`)
  peers.answer(never, () => new Promise(() => {}))
  await link.send({ postern: 'ready', addresses: { apiUrl: `of ${peers.index}`, objectsUrl: null, notReady: null } })
  if (peers.index === 0) {
    let names: string[] = []
    while (names.length < 2) {
      await sleep(10)
      names = await peers.ask(who, 'worker')
    }
    const unknown = await peers.ask(question<void, string>('what no process answers'))
    const silent = await peers.ask(never).then(
      () => 'answered',
      (error: Error) => error.message,
    )
    console.log(JSON.stringify({ who: names.toSorted(), unknown, silent }))
  }
  await link.stopped
  process.exit(0)
}
const log = { info: () => {}, error: () => {} }
const stopped = new Promise(() => {})
const { addresses, close } = (await superviseWorkers(3, { log, listen: [], stopped }))!
process.once('message', () => void close(5000).then(() => process.disconnect()))
process.send!(addresses)
