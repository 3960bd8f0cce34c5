/**
 * A gateway under fire: what is sent to it must be answered in its documented shape, must not fail on our side, and
 * where it is refused must leave every row, byte, reservation and temporary file as it was.
 */
import { strict as assert } from 'node:assert'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { upload, type Json } from '../api/caller.ts'
import { startHarness, type Harness } from '../security/harness.ts'
import { openExchange, type Sent } from './exchange.ts'
import { assertShape, type Origin } from './shape.ts'

export type FuzzHarness = {
  harness: Harness
  /** Base URL of an origin, without a path. */
  at: Record<Origin, string>
  /** alice's bearer token. */
  token: string
  /** A file of alice's that waits for its bytes, one that is confirmed, a multipart upload. */
  files: { pending: Json; confirmed: Json; multipart: Json }
  /** One request on a connection of its own; null where the connection ended without a word. */
  send(origin: Origin, request: Sent): Promise<RawAnswer | null>
  /** `send`, and that a refusal changed nothing unless `mayChange`. */
  probe(origin: Origin, request: Sent, o?: { mayChange?: boolean }): Promise<RawAnswer | null>
  /** Nothing was left behind by all that was sent, and the gateway still works. */
  finish(): Promise<void>
  close(): Promise<void>
}

export async function openFuzzHarness(): Promise<FuzzHarness> {
  const harness = await startHarness({ limits: { pendingUploads: 1_000_000 }, uploads: { maxSize: '4MiB' } })
  await harness.signed('alice', 'PUT', '/alice-1')
  await harness.signed('alice', 'PUT', '/alice-1/k', { body: 'there' })
  await harness.signed('gateway', 'PUT', '/postern/public/p', { body: 'there' })
  const alice = await harness.user('alice')
  const pending = (await alice.post('/files/upload-url', { filename: 'a.txt', mimeType: 'text/plain', size: 3 })).json
  const confirmed = await upload(alice, 'text')
  await alice.post('/files/confirm', { id: confirmed.id })
  const multipart = (await alice.post('/files/multipart', { filename: 'a.txt', mimeType: 'text/plain', size: 3 })).json

  const at = { objects: new URL(harness.objectsAt).origin, api: new URL(harness.gateway.apiUrl).origin }
  const broken: unknown[] = []
  const note = (reason: unknown): void => void broken.push(reason)
  process.on('unhandledRejection', note).on('uncaughtExceptionMonitor', note)
  const stores = watchStores(harness)
  const exchange = openExchange()

  function assertSound(): void {
    assert.deepEqual(broken.splice(0), [], 'unhandled')
    const failures = harness.log.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)
    harness.log.length = 0
    assert.deepEqual(failures, [], 'logged as our failure')
  }

  const send: FuzzHarness['send'] = async (origin, request) => {
    const answer = await exchange.send(at[origin], request)
    if (answer !== null) assertShape(origin, answer, request.method)
    assertSound()
    return answer
  }

  return {
    harness,
    at,
    token: await harness.gateway.token('alice'),
    files: { pending, confirmed, multipart },
    send,
    async probe(origin, request, o = {}) {
      const before = stores.versions()
      const known = o.mayChange === true ? null : await stores.rememberedState(before)
      const answer = await send(origin, request)
      const refused = answer === null || answer.status >= 400
      if (known !== null && refused && stores.versions() !== before) assert.deepEqual(await rowsOf(harness), known)
      await stores.untilNothingTemporary()
      return answer
    },
    async finish() {
      assertSound()
      await stores.untilNothingTemporary()
      assert.deepEqual(await stores.strays(), [], 'blobs that no row names')
      assert.equal((await harness.signed('alice', 'GET', '/')).status, 200)
      assert.equal((await (await harness.user('alice')).get('/files')).status, 200)
    },
    async close() {
      process.off('unhandledRejection', note).off('uncaughtExceptionMonitor', note)
      exchange.close()
      stores.close()
      await harness.close()
    },
  }
}

/** Blobs without a row are looked for in the end: the sweep removes replaced ones in its own time. */
async function rowsOf(harness: Harness): Promise<unknown> {
  const { catalog, index } = (await harness.state()) as Record<string, unknown>
  return { catalog, index }
}

/** Looks at both databases only when one of them has changed, which SQLite tells for nothing. */
function watchStores(harness: Harness) {
  const storage = join(harness.gateway.dir, 'storage')
  const index = new Database(join(storage, 'index.sqlite'), { readonly: true })
  const catalog = new Database(join(harness.gateway.dir, 'catalog.sqlite'), { readonly: true })
  let seen = { versions: '', state: null as unknown }

  const versions = (): string =>
    [index, catalog].map((db) => String(db.pragma('data_version', { simple: true }))).join()
  return {
    versions,
    async rememberedState(now: string): Promise<unknown> {
      if (seen.versions !== now) seen = { versions: now, state: await rowsOf(harness) }
      return seen.state
    },
    /** A temporary file may live for as long as its removal takes, and no longer. */
    async untilNothingTemporary(): Promise<void> {
      for (let tries = 0; ; tries++) {
        const left = await readdir(join(storage, 'tmp'))
        if (left.length === 0) return
        if (tries === 80) assert.deepEqual(left, [], 'temporary files')
        await sleep(25)
      }
    },
    async strays(): Promise<string[]> {
      const files = await readdir(join(storage, 'objects'), { recursive: true, withFileTypes: true })
      const known = new Set(index.prepare('SELECT id FROM blobs').pluck().all())
      return files
        .filter((entry) => /^[0-9a-f]{32}$/.test(entry.name) && !known.has(entry.name))
        .map(({ name }) => name)
    },
    close(): void {
      index.close()
      catalog.close()
    },
  }
}

/** A request as it goes on the wire; headers and target as given, one char one byte. */
export function wire(
  method: string,
  target: string,
  headers: Readonly<Record<string, string | readonly string[]>>,
  body: Buffer | string = '',
): Buffer {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one as string}\r\n`),
  )
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), bytes])
}
