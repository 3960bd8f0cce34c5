/** An endpoint on which alice has a bucket with one object, and a check that refusals change nothing there. */
import { afterAll, beforeAll, expect } from 'vitest'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { element, startEndpoint, type Endpoint, type SignedOptions } from './endpoint.ts'

export const bucket = 'alice-1'
/** Of the test file that called `serveAlice`, from its first test on. */
export let endpoint: Endpoint

export function serveAlice(): void {
  beforeAll(async () => {
    endpoint = await startEndpoint()
    await endpoint.store.createBucket(bucket, { owner: 'alice' })
    await endpoint.signed('alice', 'PUT', `/${bucket}/there`, { body: 'before' })
  })
  afterAll(() => endpoint?.close())
}

/** Refused, nothing changed, and the next request works. */
export async function refused(
  send: () => Promise<RawAnswer>,
  status: number,
  code: string | undefined,
): Promise<RawAnswer> {
  const before = await endpoint.state()
  const answer = await send()
  expect({ status: answer.status, code: element(answer, 'Code') }).toEqual({ status, code })
  expect(await endpoint.state()).toEqual(before)
  expect((await endpoint.signed('alice', 'GET', `/${bucket}/there`)).text).toBe('before')
  return answer
}

export const put = (o: SignedOptions = {}, key = 'new'): Promise<RawAnswer> =>
  endpoint.signed('alice', 'PUT', `/${bucket}/${key}`, { body: 'after', ...o })
