/** The events of files for `waitFor` of `startPostern`. They are the events of webhooks, without a receiver. */
import type { Catalog } from '../catalog/catalog.ts'
import { eventTypes, type EventType, type Subscriber } from '../catalog/webhook-catalog.ts'

/** The file record in the format of the JSON API, and its owner. */
export type FileFacts = { owner: string; [field: string]: unknown }
export type FileEvent = { type: EventType; file: FileFacts }

/** The subscriber of the test kit in the catalog. No events are sent to it. */
const url = 'postern:testing'
export const testSubscriber: Subscriber = { url, events: eventTypes }

/** Fields of the file record that must be equal, e.g. `{ filename: 'a.txt', owner: 'alice' }`. */
export type FileMatch = Record<string, unknown>

export class FileEvents {
  #happened: FileEvent[] = []
  readonly #seen = new Set<string>()
  readonly #waiting = new Set<(event: FileEvent) => void>()

  /** A catalog that reports its events here once they are committed. It must have `testSubscriber`. */
  watch(catalog: Catalog): Catalog {
    const reporting =
      <A extends unknown[], R>(change: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        const result = await change(...args)
        await this.#collect(catalog)
        return result
      }
    return {
      ...catalog,
      confirmUpload: reporting(catalog.confirmUpload),
      expireUpload: reporting(catalog.expireUpload),
      deleteFile: reporting(catalog.deleteFile),
    }
  }

  /**
   * Resolves to the first event of this type whose file matches, including past events. Rejects after `timeout`
   * milliseconds with a list of the events that happened.
   */
  waitFor(type: EventType, match: FileMatch, timeout: number): Promise<FileFacts> {
    const fits = (event: FileEvent): boolean =>
      event.type === type && Object.entries(match).every(([field, value]) => event.file[field] === value)
    const before = this.#happened.find(fits)
    if (before) return Promise.resolve(before.file)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(check)
        reject(new Error(this.#nothing(type, match, timeout)))
      }, timeout)
      const check = (event: FileEvent): void => {
        if (!fits(event)) return
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve(event.file)
      }
      this.#waiting.add(check)
    })
  }

  clear(): void {
    this.#happened = []
  }

  async #collect(catalog: Catalog): Promise<void> {
    const now = new Date()
    for (const delivery of await catalog.dueDeliveries(url, { now: new Date(8.64e15), limit: 1000 })) {
      // Two concurrent changes may both find it.
      if (this.#seen.has(delivery.eventId)) continue
      this.#seen.add(delivery.eventId)
      const attempt = { at: now, status: 200, error: null }
      await catalog.recordAttempt(delivery, { attempt, state: 'delivered', nextAt: null })
      this.#emit({ type: delivery.type, file: JSON.parse(delivery.data) as FileFacts })
    }
  }

  #emit(event: FileEvent): void {
    this.#happened.push(event)
    for (const check of this.#waiting) check(event)
  }

  #nothing(type: EventType, match: FileMatch, timeout: number): string {
    const happened = this.#happened.slice(-20).map(({ type: name, file }) => `  ${name} ${String(file['filename'])}`)
    return [
      `No ${type} matching ${JSON.stringify(match)} happened within ${timeout} ms.`,
      happened.length === 0 ? 'No file was confirmed, deleted or expired.' : 'What happened:',
      ...happened,
    ].join('\n')
  }
}
