/** Agreement of instances: each accepts the signatures of the other, now or after a short time. */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { tmpdir } from 'node:os'
import { expect, it, onTestFinished } from 'vitest'
import type { Lease } from '../../src/catalog/catalog.ts'
import { agreementOf, differenceOf, type Agreement } from '../../src/cluster/agreement.ts'
import { joinInstances } from '../../src/cluster/instances.ts'
import { testConfig } from '../fixtures/gateway.ts'

const config = testConfig(tmpdir(), { database: { url: 'postgres://nowhere' } })
const key = (secret: string): KeyObject => createSecretKey(Buffer.from(secret))
const signing = { accessKeyId: 'POSTERN', secretAccessKey: 'x' }

/** `NEW` is current; `OLD…` are accepted beside it. */
const tokens = (current: string, ...accepted: [secret: string, until?: Date][]): Agreement =>
  agreementOf(
    config,
    {
      tokens: [
        { secret: key(current) },
        ...accepted.map(([secret, validUntil]) => ({ secret: key(secret), ...(validUntil && { validUntil }) })),
      ],
      urls: [signing],
    },
    new Date(),
  )
const urls = (...ids: string[]): Agreement =>
  agreementOf(
    config,
    { tokens: [{ secret: key('t') }], urls: ids.map((accessKeyId) => ({ ...signing, accessKeyId })) },
    new Date(),
  )

function createPlace() {
  const leases = new Map<string, Lease>()
  const said: string[] = []
  const catalog = {
    takeLease: async (name: string, o: { holder: string; until: Date; note?: string }) => {
      leases.set(name, { name, holder: o.holder, expiresAt: o.until, note: o.note ?? null })
      return true
    },
    dropLease: async (name: string) => void leases.delete(name),
    listLeases: async () => [...leases.values()],
    forgetLeases: async () => {},
  }
  const log = { info: (_: object, text: string) => said.push(text), warn: (_: object, text: string) => said.push(text) }
  async function join(agreement: () => Agreement, signEvery = 0.05) {
    const membership = await joinInstances({ config, catalog, agreement, now: () => new Date(), log, signEvery })
    onTestFinished(() => membership.leave())
    return membership
  }
  return { join, said, leases }
}

const later = new Date(Date.now() + 3_600_000)
const past = new Date(Date.now() - 1)

it.each([
  ['the same secret', tokens('old'), tokens('old')],
  ['one that has changed, while both accept both', tokens('old', ['new', later]), tokens('new', ['old', later])],
  ['a URL key that was replaced', urls('B', 'A'), urls('A', 'B')],
])('lets in %s', async (_, theirs, mine) => {
  const { join, leases } = createPlace()
  await join(() => theirs)
  await join(() => mine)
  expect(leases.size).toBe(2)
})

it.each([
  ['who shares no secret', tokens('old'), tokens('new'), /accepts tokens of another.*A new token secret/],
  ['whose tokens the others refuse', tokens('old'), tokens('new', ['old', later]), /does not accept tokens.*there/],
  ['who refuses tokens of the others', tokens('new', ['old', later]), tokens('old'), /not accepted here.*secret-file/],
  ['whose overlap is over', tokens('old', ['new', later]), tokens('new', ['old', past]), /not accepted here/],
  ['who has another URL key', urls('A'), urls('B'), /another key/],
])('refuses one %s', async (_, theirs, mine, message) => {
  const { join } = createPlace()
  await join(() => theirs)
  await expect(join(() => mine)).rejects.toMatchObject({ code: 'Unavailable', message: expect.stringMatching(message) })
})

it('waits for an instance that is about to announce the new secret', async () => {
  const { join, said } = createPlace()
  let theirs = tokens('old')
  await join(() => theirs)
  setTimeout(() => (theirs = tokens('old', ['new', later])), 20)
  await join(() => tokens('new', ['old', later]))
  expect(said).toEqual(['another instance does not agree yet, waiting for it'])
})

it('logs once when running instances no longer agree', async () => {
  const { join, said } = createPlace()
  let mine = tokens('new', ['old', later])
  await join(() => tokens('old', ['new', later]), 3600)
  await join(() => mine)
  expect(said).toEqual([])
  mine = tokens('new')
  await expect.poll(() => said).toEqual([expect.stringMatching(/that is not accepted here/)])
  await new Promise((next) => setTimeout(next, 200))
  expect(said).toHaveLength(1)
})

it('accepts an instance of the previous version, which announces only its current secret', async () => {
  const { join, leases } = createPlace()
  const { accepts: _, ...before } = tokens('old')
  leases.set('instance:x', { name: 'instance:x', holder: 'x', expiresAt: later, note: JSON.stringify(before) })
  await join(() => tokens('old', ['new', later]))
  await expect(join(() => tokens('new', ['old', later]))).rejects.toMatchObject({ code: 'Unavailable' })
})

it('compares the secret next to a key set only if both are accepted', () => {
  const jwksUrl = 'https://id.example.com/keys'
  const withKeySet = (secret: string, allowSecretWithJwks: boolean): Agreement =>
    agreementOf(
      { ...config, auth: { ...config.auth, jwksUrl, allowSecretWithJwks } },
      { tokens: [{ secret: key(secret) }], urls: [signing] },
      new Date(),
    )
  expect(differenceOf(withKeySet('OLD', false), withKeySet('NEW', false))).toBeNull()
  expect(differenceOf(withKeySet('OLD', true), withKeySet('OLD', true))).toBeNull()
  expect(differenceOf(withKeySet('OLD', true), withKeySet('NEW', true))).toMatchObject({ name: 'tokens' })
  expect(differenceOf(withKeySet('OLD', true), withKeySet('OLD', false))).toMatchObject({ name: 'tokens' })
})
