/**
 * The changes that the server acknowledged with 2xx, and for each object the change that may be in flight. They are
 * kept in the memory of the test, which no fault affects.
 */

/** The SHA-256 of an object's bytes, or null where there is none. */
export type Content = string | null

/** One object. Only one change of it is under way at a time. */
export class Promised {
  settled: Content = null
  #next: { content: Content } | null = null

  begin(content: Content): void {
    this.#next = { content }
  }

  acknowledge(): void {
    if (this.#next) this.settled = this.#next.content
    this.#next = null
  }

  get mayExist(): boolean {
    return this.settled !== null || (this.#next !== null && this.#next.content !== null)
  }

  allows(content: Content): boolean {
    return content === this.settled || (this.#next !== null && content === this.#next.content)
  }
}

/** A file of the JSON API, from when it is being confirmed. */
export type AcknowledgedFile = { id: string; user: string; promised: Promised }

export class AcknowledgedChanges {
  readonly objects = new Map<string, Promised>()
  readonly files = new Map<string, AcknowledgedFile>()
  /** Answers with 2xx to a request that changes something. */
  acknowledged = 0
  #changed = new Set<string>()

  object(key: string): Promised {
    const known = this.objects.get(key)
    if (known) return known
    const promised = new Promised()
    this.objects.set(key, promised)
    return promised
  }

  file(id: string, user: string): AcknowledgedFile {
    const file = { id, user, promised: new Promised() }
    this.files.set(id, file)
    return file
  }

  /** Notes an object's key or a file's id. */
  noteChange(name: string): void {
    this.#changed.add(name)
  }

  /** Those noted since the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed
    this.#changed = new Set()
    return changed
  }
}
