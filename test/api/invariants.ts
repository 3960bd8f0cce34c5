/**
 * The nine invariants of the API, with tests that try to break them over real HTTP. Both drivers run this suite and
 * differ only in who serves the bytes.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Overrides, RunningGateway } from '../fixtures/gateway.ts'
import { as, type Caller } from './caller.ts'
import { servingInvariants } from './invariants-serving.ts'
import { uploadInvariants } from './invariants-uploads.ts'

export type Start = (overrides?: Overrides, o?: { now?: () => Date }) => Promise<RunningGateway>

export type Bench = {
  start: Start
  /** The gateway that all tests share which need no settings of their own. */
  shared: () => RunningGateway
  /** A user nobody else is. */
  newUser: (gateway?: RunningGateway) => Promise<Caller>
  /** Resolves once there is no object under this key. */
  expectGone: (key: string, gateway?: RunningGateway) => Promise<void>
}

export const html = '<!DOCTYPE html><script>alert(1)</script>'

export const invariantsSuite = (name: string, start: Start): void =>
  withGateway(`${name}, it holds that`, start, (bench) => {
    uploadInvariants(bench)
    servingInvariants(bench)
  })

/** Runs `suite` with a gateway that its tests share, and the means to start others. */
export function withGateway(name: string, start: Start, suite: (bench: Bench) => void): void {
  describe(`${name}`, () => {
    let gateway: RunningGateway | undefined
    beforeAll(async () => {
      gateway = await start()
    })
    afterAll(() => gateway?.close())

    const shared = () => {
      if (!gateway) throw new Error('the gateway has not started')
      return gateway
    }
    suite({
      start,
      shared,
      newUser: (of = shared()) => as(of, `user-${randomUUID()}`),
      async expectGone(key, of = shared()) {
        const { driver, config } = of.gateway
        const head = driver.headObject({ bucket: config.storage.bucket, key })
        await expect(head).rejects.toMatchObject({ code: 'NotFound' })
      },
    })
  })
}
