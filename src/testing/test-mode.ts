/** What a gateway in test mode has besides: a journal of requests, file events, and access keys for workers. */
import { randomBytes } from 'node:crypto'
import { devAccessKey } from '../config/dev-mode.ts'
import type { AcceptedKey } from '../config/live-keys.ts'
import type { KeySource } from '../s3/key-ring.ts'
import { FileEvents, testSubscriber } from './file-events.ts'
import { RequestJournal } from './request-journal.ts'

export class TestMode {
  /** Opens the `/_test` routes. */
  readonly token: string
  readonly requests = new RequestJournal()
  readonly events = new FileEvents()
  /** Whether a bucket that does not exist is created when an access key first uses it. */
  readonly createsBuckets: boolean
  #keys: readonly AcceptedKey[] = [devAccessKey]

  constructor(o: { token?: string; createsBuckets?: boolean } = {}) {
    this.token = o.token ?? randomBytes(24).toString('base64url')
    this.createsBuckets = o.createsBuckets ?? false
  }

  /** What the catalog notes events for. */
  readonly subscribers = [testSubscriber]

  readonly accessKeyIds = (): readonly string[] => this.#keys.map(({ accessKeyId }) => accessKeyId)

  /** Those of `source`, then the keys of test mode. The same array until something changes. */
  withKeys(source: KeySource): KeySource {
    let from: readonly unknown[] = []
    let all: readonly AcceptedKey[] = []
    return {
      lookAgain: () => source.lookAgain(),
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
