/** What a user, or time, can do next. Plain data: the same step means the same in every run. */
import * as fc from 'fast-check'
import { users, type Known, type World } from './world.ts'

const by = fc.constantFrom(...users)
/** Which of the uploads there are, counted from the newest. */
const which = fc.oneof(fc.nat({ max: 1 }), fc.nat({ max: 6 }))
const bytes = fc.integer({ min: 3, max: 60 })
/** Mostly the owner; now and then the other user, who must not get far. */
const touching = { which, stranger: fc.nat({ max: 5 }).map((n) => n === 0) }

export const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      by,
      bytes,
      declared: fc.boolean(),
      isPublic: fc.boolean(),
      autoConfirm: fc.nat({ max: 4 }).map((n) => n === 0),
      expiresIn: fc.constantFrom(60, 600, 3000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      which,
      bytes,
      rightSize: fc.nat({ max: 4 }).map((n) => n > 0),
      url: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('confirm' as const),
      ...touching,
      lie: fc.nat({ max: 3 }).map((n) => n === 0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('renew' as const, 'delete' as const, 'download' as const),
      ...touching,
    }),
  },
  fc.record({ do: fc.constant('misuse' as const), which }),
  fc.record({ do: fc.constant('expire' as const), seconds: fc.constantFrom(30, 660, 4000, 8000) }),
  fc.record({ do: fc.constant('crossExpiry' as const), by, bytes }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('begin' as const), by, bytes }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('part' as const),
      ...touching,
      short: fc.nat({ max: 3 }).map((n) => n === 0),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('complete' as const, 'abort' as const), ...touching }) },
)
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
export type StepOf<Name extends Step['do']> = Extract<Step, { do: Name }>

export const pick = (world: World, at: number): Known | undefined =>
  world.known.length === 0 ? undefined : world.known.at(-1 - (at % world.known.length))

/** `status` 0: there was nothing to do it with. `after` runs where the step ran alone, to record what it must have done. */
export type Acted = { status: number; allowed: readonly number[]; text?: string; after?: () => void }
