/**
 * Enforces the quota of an owner of access keys. usage.ts counts stored bytes in the index. Each transaction that
 * changes them compares them with the limit, so they never exceed it. Bytes in flight are counted here, so that
 * parallel writes are rejected before their bodies are read.
 */
import { StorageError } from '../../../errors.ts'
import type { OwnerLimits } from '../../driver.ts'
import { question, type Peers, type SharedCounts } from '../../peers.ts'
import { resourceOf } from '../../rules.ts'
import type { BucketRows } from '../bucket-rows.ts'
import type { CommitQueue } from '../commit-queue.ts'
import { HoldCounts } from '../hold-counts.ts'
import type { UsageRows } from './usage.ts'

type Amounts = { bytes: number; objects: number }

/** The object or part that a write replaces. */
export type Place = {
  bucket: string
  /** Writes with the same slot replace each other. */
  slot: string
  /** False for a part, which is not an object. */
  isObject: boolean
  /** Stored bytes that the write would replace. null if there is no object or part yet. */
  size: () => number | null
}

/** The share of a quota that a running write holds. */
export type Reservation = {
  /** Sets the number of bytes received so far. Errors: QuotaExceeded. */
  grow(size: number): void
  /**
   * Must be called by the job that commits the write, so that its bytes never count twice, or after a failure.
   * Repeatable.
   */
  release(): void
}

/** The writes of an owner that are in flight in one process. `isThere`: one of them has the slot. */
type Running = Amounts & { isThere: boolean }

/** `credit`: the replaced bytes, which the write does not need in addition. */
type Claim = { wanted: Amounts; credit: number }

/** `replaces`: only the first of several running writes gets the credit for what they replace. */
function claimOf({ isObject }: Place, size: number, replaces: { there: number | null } | null): Claim {
  const credit = replaces?.there ?? 0
  const isNew = isObject && replaces !== null && replaces.there === null
  return { wanted: { bytes: Math.max(0, size - credit), objects: isNew ? 1 : 0 }, credit }
}

const nothing: Reservation = { grow() {}, release() {} }
const names = ['bytes', 'objects'] as const
const inFlightOf = question<{ owner: string; slot: string }, Running>('quota.in-flight')

export type OwnerQuotaOptions = {
  limits: OwnerLimits
  /** The gateway. Its users have quotas in the catalog. */
  exempt: string
  buckets: BucketRows
  usage: UsageRows
  queue: CommitQueue
  peers: Peers
}

export class OwnerQuota {
  readonly #o: OwnerQuotaOptions
  readonly #isOn: boolean
  readonly #own = new Map<string, Amounts>()
  /** In flight in all processes: bytes and objects by owner, writes by slot. */
  readonly #inFlight: Record<keyof Amounts, SharedCounts>
  readonly #slots: SharedCounts
  readonly #ownSlots = new HoldCounts<string>()

  constructor(o: OwnerQuotaOptions) {
    const { limits, peers } = o
    this.#o = o
    this.#isOn = limits.bytes !== null || limits.objects !== null
    this.#inFlight = { bytes: peers.counts('quota.bytes'), objects: peers.counts('quota.objects') }
    this.#slots = peers.counts('quota.slots')
    peers.answer(inFlightOf, ({ owner, slot }) => {
      return { ...this.#ownOf(owner), isThere: this.#ownSlots.has(slot) }
    })
  }

  /** Whether a quota limits this bucket. */
  applies(bucket: string): boolean {
    return this.#ownerOf(bucket) !== null
  }

  /**
   * Reserves what a write of `size` bytes needs. Of several running writes to one place, the first gets the credit for the
   * replaced bytes. Errors: QuotaExceeded.
   */
  async reserve(place: Place, size: number): Promise<Reservation> {
    const owner = this.#ownerOf(place.bucket)
    if (owner === null) return nothing
    const { slot } = place
    const { wanted, credit } = await this.#assertRoom(place, owner, size)
    this.#slots.add(slot, 1)
    this.#ownSlots.add(slot)
    this.#add(owner, wanted)
    let isReleased = false
    return {
      grow: (grown) => {
        const more = { bytes: Math.max(0, grown - credit - wanted.bytes), objects: 0 }
        if (more.bytes === 0) return
        // Ignores the bytes of other processes: the known counts may be outdated, and a body cannot wait for a
        // response.
        const now = { stored: this.#o.usage.of(owner), inFlight: this.#ownOf(owner) }
        const refused = this.#refusal(place, owner, more, now)
        if (refused) throw refused
        wanted.bytes += more.bytes
        this.#add(owner, more)
      },
      release: () => {
        if (isReleased) return
        isReleased = true
        this.#slots.add(slot, -1)
        this.#ownSlots.remove(slot)
        this.#add(owner, { bytes: -wanted.bytes, objects: -wanted.objects })
      },
    }
  }

  /** Commits a change that leaves `size` bytes at a place, without a body. Errors: QuotaExceeded. */
  async commit<T>(place: Place, size: number, change: () => T): Promise<T> {
    const reservation = await this.reserve(place, size)
    try {
      return await this.#o.queue.run<T>(() => {
        const value = this.held(place, change)
        reservation.release()
        return value
      })
    } finally {
      reservation.release()
    }
  }

  /**
   * Runs changes inside a job. Rejects growth beyond the limit, but never a change that shrinks. Errors: QuotaExceeded.
   */
  held<T>(place: Pick<Place, 'bucket'>, change: () => T): T {
    const owner = this.#ownerOf(place.bucket)
    if (owner === null) return change()
    const before = this.#o.usage.of(owner)
    const value = change()
    const after = this.#o.usage.of(owner)
    const more = { bytes: after.bytes - before.bytes, objects: after.objects - before.objects }
    const refused = this.#refusal(place, owner, more, { stored: before, inFlight: { bytes: 0, objects: 0 } })
    if (refused) throw refused
    return value
  }

  /**
   * Counts of other processes arrive with a delay, so the processes are asked before a write is rejected because of
   * them. Stored bytes are read before that, because a write that commits in the meantime must not count twice.
   */
  async #assertRoom(place: Place, owner: string, size: number): Promise<Claim> {
    const { peers, usage } = this.#o
    const { slot } = place
    const stored = usage.of(owner)
    const there = place.size()
    const heard = claimOf(place, size, this.#slots.get(slot) === 0 ? { there } : null)
    const refused = this.#refusal(place, owner, heard.wanted, { stored, inFlight: this.#all(owner) })
    if (!refused) return heard
    if (peers.count === 1) throw refused
    const others = await peers.ask(inFlightOf, { owner, slot })
    const inFlight = { ...this.#ownOf(owner) }
    for (const name of names) for (const other of others) inFlight[name] += other[name]
    const isFirst = !this.#ownSlots.has(slot) && others.every((other) => !other.isThere)
    const known = claimOf(place, size, isFirst ? { there } : null)
    const still = this.#refusal(place, owner, known.wanted, { stored, inFlight })
    if (still) throw still
    return known
  }

  #refusal(
    { bucket }: Pick<Place, 'bucket'>,
    owner: string,
    wanted: Amounts,
    { stored, inFlight }: { stored: Amounts; inFlight: Amounts },
  ): StorageError | null {
    for (const name of names) {
      const limit = this.#o.limits[name]
      if (limit === null || wanted[name] <= 0 || stored[name] + inFlight[name] + wanted[name] <= limit) continue
      const show = name === 'bytes' ? showBytes : showObjects
      const running = inFlight[name] === 0 ? '' : `, ${show(inFlight[name])} are being written`
      return new StorageError('QuotaExceeded', {
        message:
          `The quota of ${owner} is ${show(limit)}: ${show(stored[name])} are stored${running}, and this write needs ` +
          `${show(wanted[name])} more. Delete objects or abort unfinished uploads, or have the operator raise ${settings[name]}.`,
        resource: resourceOf({ bucket }),
        details: {
          Owner: owner,
          [`Stored${suffix[name]}`]: stored[name],
          [`InFlight${suffix[name]}`]: inFlight[name],
          [`Wanted${suffix[name]}`]: wanted[name],
          [`Max${suffix[name]}`]: limit,
        },
      })
    }
    return null
  }

  #ownerOf(bucket: string): string | null {
    if (!this.#isOn) return null
    const owner = this.#o.buckets.find(bucket)?.owner
    return owner === undefined || owner === this.#o.exempt ? null : owner
  }

  #all(owner: string): Amounts {
    return { bytes: this.#inFlight.bytes.get(owner), objects: this.#inFlight.objects.get(owner) }
  }

  #ownOf(owner: string): Amounts {
    return this.#own.get(owner) ?? { bytes: 0, objects: 0 }
  }

  #add(owner: string, by: Amounts): void {
    const { bytes, objects } = this.#ownOf(owner)
    const sum = { bytes: bytes + by.bytes, objects: objects + by.objects }
    if (sum.bytes === 0 && sum.objects === 0) this.#own.delete(owner)
    else this.#own.set(owner, sum)
    for (const name of names) if (by[name] !== 0) this.#inFlight[name].add(owner, by[name])
  }
}

const settings = { bytes: 'quotas.ownerBytes', objects: 'quotas.ownerObjects' } as const
const suffix = { bytes: 'Bytes', objects: 'Objects' } as const
const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

function showBytes(bytes: number): string {
  if (bytes === 1) return '1 byte'
  const step = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${Number((bytes / 1024 ** step).toFixed(2))} ${units[step]}`
}

const showObjects = (count: number): string => (count === 1 ? '1 object' : `${count} objects`)
