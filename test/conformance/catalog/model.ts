import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Catalog, FileStatus, Usage } from '../../../src/catalog/catalog.ts'
import { isStorageError } from '../../../src/errors.ts'
import { at, facts, newUpload } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

const owners = ['alice', 'bob'] as const
const quota = { userBytes: 100, userFiles: 6 }
const maxPending = 4

type Known = { id: string; owner: string; status: FileStatus; size: number; reserved: number }

const step = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    owner: fc.constantFrom(...owners),
    bytes: fc.integer({ min: 0, max: 60 }),
    exact: fc.boolean(),
  }),
  fc.record({ do: fc.constant('confirm' as const), which: fc.nat(20), bytes: fc.integer({ min: 0, max: 120 }) }),
  fc.record({ do: fc.constantFrom('expire', 'delete', 'renew', 'drop'), which: fc.nat(20) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** The same arithmetic over a plain array: usage is recomputed from the files, never carried along. */
class Model {
  readonly files: Known[] = []

  usage(owner: string): Usage {
    const own = this.files.filter((file) => file.owner === owner)
    const pending = own.filter((file) => file.status === 'pending')
    const confirmed = own.filter((file) => file.status === 'confirmed')
    return {
      bytes: confirmed.reduce((sum, file) => sum + file.size, 0),
      files: confirmed.length,
      reservedBytes: pending.reduce((sum, file) => sum + file.reserved, 0),
      reservedFiles: pending.length,
    }
  }

  /** The reservation a new upload gets, or null where it is refused. */
  reservation(owner: string, bytes: number, exact: boolean): number | null {
    const used = this.usage(owner)
    const left = quota.userBytes - used.bytes - used.reservedBytes
    if (used.reservedFiles >= maxPending || used.files + used.reservedFiles >= quota.userFiles) return null
    if (exact) return bytes <= left ? bytes : null
    return left > 0 ? Math.min(bytes, left) : null
  }

  mayGrow(file: Known, size: number): boolean {
    const used = this.usage(file.owner)
    return size <= file.reserved || used.bytes + used.reservedBytes - file.reserved + size <= quota.userBytes
  }
}

/** What the catalog answered, beside what the model says it must. */
type Outcome = { answer: unknown; expected: unknown }

async function play(catalog: Catalog, model: Model, action: Step): Promise<Outcome> {
  if (action.do === 'create') return create(catalog, model, action)
  const file = model.files[action.which % Math.max(1, model.files.length)]
  if (!file) return { answer: null, expected: null }
  const { id, owner, status } = file
  const visible = status === 'pending' || status === 'confirmed'
  switch (action.do) {
    case 'confirm':
      return confirm(catalog, model, file, action.bytes)
    case 'expire': {
      if (status === 'pending') file.status = 'expired'
      return { answer: await catalog.expireUpload(id, at(1)), expected: status === 'pending' }
    }
    case 'renew': {
      const renewed = await catalog.renewUpload(id, { urlExpiresAt: at(900), confirmBy: at(4000), writeOnce: true })
      return { answer: renewed !== null, expected: status === 'pending' }
    }
    case 'delete': {
      if (visible) file.status = 'deleted'
      return { answer: (await catalog.deleteFile(owner, id, at(2))) !== null, expected: visible }
    }
    default: {
      await catalog.dropGrant(id)
      return { answer: (await catalog.getFile(owner, id)) !== null, expected: visible }
    }
  }
}

async function create(catalog: Catalog, model: Model, o: Step & { do: 'create' }): Promise<Outcome> {
  const expected = model.reservation(o.owner, o.bytes, o.exact)
  const reserve = { bytes: o.bytes, exact: o.exact }
  const asked = newUpload({ file: { owner: o.owner }, reserve, quota, maxPending })
  const made = await catalog.createUpload(asked).catch(refused)
  if (expected !== null) {
    model.files.push({ id: asked.file.id, owner: o.owner, status: 'pending', size: 0, reserved: expected })
  }
  return { answer: made?.grant?.reservedBytes ?? null, expected }
}

async function confirm(catalog: Catalog, model: Model, file: Known, size: number): Promise<Outcome> {
  const upload = { file: { object: { bucket: 'postern', key: file.id } } }
  const settled = await catalog.confirmUpload(file.id, facts(upload, { size, quota })).catch(refused)
  const before = file.status
  const fits = before === 'pending' && model.mayGrow(file, size)
  if (fits) Object.assign(file, { status: 'confirmed', size })
  return { answer: settled?.created ?? null, expected: fits ? true : before === 'confirmed' ? false : null }
}

function refused(error: unknown): null {
  if (isStorageError(error, 'QuotaExceeded', 'TooManyRequests', 'NotFound')) return null
  throw error
}

export function modelObligations(make: MakeCatalog): void {
  it('keeps usage equal to the sum of the files under random actions of two owners', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const catalog = await make()
        const model = new Model()
        try {
          for (const action of steps) {
            const { answer, expected } = await play(catalog, model, action)
            expect({ action, answer }).toEqual({ action, answer: expected })
            for (const owner of owners) expect(await catalog.usage(owner)).toEqual(model.usage(owner))
          }
        } finally {
          await catalog.close()
        }
      }),
      { numRuns: 60 },
    )
  })

  it('never exceeds the quota or goes below zero under concurrent actions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        const catalog = await make()
        const made: { id: string; owner: string }[] = []
        try {
          await Promise.all(steps.map((action) => playLoosely(catalog, made, action)))
          for (const owner of owners) {
            const usage = await catalog.usage(owner)
            expect(Math.min(...Object.values(usage))).toBeGreaterThanOrEqual(0)
            expect(usage.bytes + usage.reservedBytes).toBeLessThanOrEqual(quota.userBytes)
            expect(usage.files + usage.reservedFiles).toBeLessThanOrEqual(quota.userFiles)
            const { files } = await catalog.listFiles(owner, { limit: 1000 })
            expect(files.filter((file) => file.status === 'confirmed')).toHaveLength(usage.files)
            expect(files.filter((file) => file.status === 'pending')).toHaveLength(usage.reservedFiles)
            expect(files.reduce((sum, file) => sum + (file.size ?? 0), 0)).toBe(usage.bytes)
          }
        } finally {
          await catalog.close()
        }
      }),
      { numRuns: 40 },
    )
  })
}

/** The same steps without a model: what they meet depends on how they interleave. */
async function playLoosely(catalog: Catalog, made: { id: string; owner: string }[], action: Step): Promise<void> {
  const work = async () => {
    if (action.do === 'create') {
      const reserve = { bytes: action.bytes, exact: action.exact }
      const { file } = await catalog.createUpload(
        newUpload({ file: { owner: action.owner }, reserve, quota, maxPending }),
      )
      made.push(file)
      return
    }
    const file = made[action.which % Math.max(1, made.length)]
    if (!file) return
    const upload = { file: { object: { bucket: 'postern', key: file.id } } }
    if (action.do === 'confirm') await catalog.confirmUpload(file.id, facts(upload, { size: action.bytes, quota }))
    if (action.do === 'expire') await catalog.expireUpload(file.id, at(1))
    if (action.do === 'delete') await catalog.deleteFile(file.owner, file.id, at(2))
    if (action.do === 'drop') await catalog.dropGrant(file.id)
  }
  await work().catch(refused)
  await work().catch(refused)
}
