/** The additions of test mode: a journal of requests, file events, and access keys for workers. */
import { randomBytes, randomInt } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { devAccessKey } from '../config/dev-mode.ts'
import type { AcceptedKey } from '../config/live-keys.ts'
import type { KeySource } from '../s3/key-ring.ts'
import { FaultRules } from './faults/fault-rules.ts'
import { FileEvents, testSubscriber } from './file-events.ts'
import { RequestJournal } from './request-journal.ts'
import { TestClock } from './test-clock.ts'

const amzDate = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

export class TestMode {
  /** The token of the `/_test` routes. */
  readonly token: string
  readonly requests = new RequestJournal()
  readonly events = new FileEvents()
  readonly clock = new TestClock()
  readonly faults: FaultRules
  /** Whether a bucket that does not exist is created when an access key first uses it. */
  readonly createsBuckets: boolean
  /** Whether the fixed keys are accepted under any Host, e.g. between containers. */
  readonly anyHost: boolean
  #keys: readonly AcceptedKey[]

  constructor(
    o: { token?: string; createsBuckets?: boolean; fixedKeys?: boolean; anyHost?: boolean; seed?: number } = {},
  ) {
    this.token = o.token ?? randomBytes(24).toString('base64url')
    this.faults = new FaultRules({ seed: o.seed ?? randomInt(2 ** 31), now: () => this.clock.now().getTime() })
    this.createsBuckets = o.createsBuckets ?? false
    this.anyHost = o.anyHost ?? false
    this.#keys = o.fixedKeys === false ? [] : [devAccessKey]
  }

  /** The catalog records events for these subscribers. */
  readonly subscribers = [testSubscriber]

  /**
   * The time at which a signature of headers is checked that does not fit the clock. A client follows the clock only after
   * a refusal, so every time that the clock has passed is accepted. The system's time if the request names no such time.
   */
  signingTime({ headers }: IncomingMessage): Date {
    const skew = this.faults.skew()
    const [from, to] = [Date.now(), this.clock.now().getTime()].toSorted((a, b) => a - b)
    const [, year, month, day, hour, minute, second] = amzDate.exec(String(headers['x-amz-date'])) ?? []
    const signed = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - skew
    return new Date((signed >= from! && signed <= to! ? signed : Date.now()) + skew)
  }

  /** Runs what is due at the time of the clock. Set by the gateway. */
  runDue: () => Promise<void> = async () => {}
  /** Forgets what faults have remembered. Set by the gateway. */
  clearFaults: () => void = () => {}

  readonly keys = (): readonly AcceptedKey[] => this.#keys
  readonly accessKeyIds = (): readonly string[] => this.#keys.map(({ accessKeyId }) => accessKeyId)

  /** The keys of `source`, then those of test mode. Returns the same array until a key changes. */
  withKeys(source: KeySource): KeySource {
    let from: readonly unknown[] = []
    let all: readonly AcceptedKey[] = []
    return {
      reload: () => source.reload(),
      accepted: () => {
        const accepted = source.accepted()
        if (from[0] !== accepted || from[1] !== this.#keys) {
          from = [accepted, this.#keys]
          all = [...accepted, ...this.#keys]
        }
        return all
      },
    }
  }

  addKey(key: AcceptedKey): void {
    this.#keys = [...this.#keys.filter(({ accessKeyId }) => accessKeyId !== key.accessKeyId), key]
  }
}
