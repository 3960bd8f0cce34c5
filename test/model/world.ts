/** Two users at one gateway, its clock in our hand, and what is known of every upload that they ever began. */
import { pino } from 'pino'
import { collectExpired, type Collected } from '../../src/service/maintenance/collect-expired.ts'
import { as, type Caller, type Json } from '../api/caller.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'

export const users = ['alice', 'bob'] as const
export type User = (typeof users)[number]

export const quota = { userBytes: 100, userFiles: 5 }
export const maxPending = 4
export const maxSize = 1024
/** Seconds. */
export const confirmWithin = 3600

export type Known = {
  id: string
  key: string
  owner: User
  kind: 'put' | 'multipart'
  isPublic: boolean
  autoConfirm: boolean
  publicUrl: string | null
  declared: number | null
  reserved: number
  /** `gone`: deleted, expired, aborted or refused at confirm. */
  status: 'pending' | 'confirmed' | 'gone'
  /** Every URL that was issued to write it. */
  urls: { uploadUrl: string; headers: Record<string, string>; expiresAt: number }[]
  /** Everything that anyone has tried to send. */
  sent: Set<string>
  /** What the last write left there, as far as steps ran one by one. */
  stored: string | null
  /** The bytes it was first served with; they never change. */
  content: string | null
  /** It was seen to be gone, and can do nothing but stay so. */
  seenGone: boolean
  /** The first moment, in ms, at which it may expire if it is not confirmed. */
  confirmBy: number
}

export type World = {
  gateway: RunningGateway
  callers: Record<User, Caller>
  /** Nobody is signed in. */
  known: Known[]
  usage: Record<User, Json>
  now(): number
  advance(seconds: number): void
  collect(): Promise<Collected>
  /** A text of so many bytes that was never sent before. */
  newText(bytes: number): string
}

export type Stand = { gateway: RunningGateway; clock: { ahead: number }; worlds: number }

export async function openStand(): Promise<Stand> {
  const clock = { ahead: 0 }
  const gateway = await startGateway(
    {
      quotas: quota,
      limits: { pendingUploads: maxPending },
      uploads: { maxSize: `${maxSize}B`, confirmWithin: `${confirmWithin}s` },
    },
    { now: () => new Date(Date.now() + clock.ahead) },
  )
  return { gateway, clock, worlds: 0 }
}

/** Users of its own: what an earlier world has left is nothing to this one. */
export async function newWorld(stand: Stand): Promise<World> {
  const { gateway, clock } = stand
  const suffix = `-${stand.worlds++}`
  const exp = Math.floor(Date.now() / 1000) + 10 * 365 * 86_400
  const [alice, bob] = await Promise.all(users.map((user) => as(gateway, user + suffix, { exp })))
  let texts = 0
  const now = (): number => Date.now() + clock.ahead
  const nothing = { bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 } as unknown as Json
  return {
    gateway,
    callers: { alice: alice!, bob: bob! },
    known: [],
    usage: { alice: nothing, bob: nothing },
    now,
    advance: (seconds) => void (clock.ahead += seconds * 1000),
    collect: () =>
      collectExpired({
        ...gateway.gateway,
        now: () => new Date(now()),
        log: pino({ level: 'silent' }),
        urls: { api: () => gateway.apiUrl },
      }),
    newText: (bytes) => String(texts++).padStart(bytes, '#').slice(-bytes),
  }
}
