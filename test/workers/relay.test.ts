import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('workers ask each other through the primary, and a silent one rejects the question', async () => {
  const child = fork(join(import.meta.dirname, 'relay-program.ts'), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const printed = once(child.stdout!, 'data')
  const [addresses] = await once(child, 'message')
  expect(addresses).toEqual({ apiUrl: 'of 0', objectsUrl: null, notReady: null })
  expect(JSON.parse(String((await printed)[0]))).toEqual({
    who: ['worker 1', 'worker 2'],
    unknown: [],
    silent: 'a worker does not respond',
  })
  const ended = once(child, 'exit')
  child.send('stop')
  expect(await ended).toEqual([0, null])
})
