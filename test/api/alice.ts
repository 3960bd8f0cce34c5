/** A gateway for the tests of one file, and its user alice. */
import { afterAll, beforeAll } from 'vitest'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { as, type Caller } from './caller.ts'

/** All of the test file that called `serveAlice`, from its first test on. */
export let gateway: RunningGateway
export let alice: Caller
/** The header that makes a request one of alice's. */
export let authorization: string

export function serveAlice(): void {
  beforeAll(async () => {
    gateway = await startGateway()
    alice = await as(gateway, 'alice')
    authorization = `Bearer ${await gateway.token('alice')}`
  })
  afterAll(() => gateway?.close())
}
