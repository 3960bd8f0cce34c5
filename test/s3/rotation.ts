/** A gateway on a folder whose keys change while it runs, and a clock that the test sets. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { addKey, type StoredKey } from '../../src/config/key-file.ts'
import { createLogger } from '../../src/http/logger.ts'
import { presign } from '../../src/sigv4/presign.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { teeLog } from '../fixtures/captured-log.ts'
import { startGateway, testSecrets, type RunningGateway } from '../fixtures/gateway.ts'
import { sha256 } from './endpoint.ts'
import { limit } from '../fixtures/time-limit.ts'

export type Credentials = { accessKeyId: string; secretAccessKey: string }
export type Answer = { status: number; code: string | undefined; text: string }

/** The key of the configuration. */
export const configured = {
  accessKeyId: 'CONFIGURED',
  secretAccessKey: 'a secret of the configuration, for tests',
  owner: 'carol',
}
export const hour = 3600
export const refused = { status: 403, code: 'InvalidAccessKeyId' }

export const sleep = (milliseconds: number): Promise<void> => new Promise((wake) => setTimeout(wake, milliseconds))
/** Tries until it holds, for as long as a change may take to be noticed. */
export const soon = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: limit(4000), interval: 50 })

export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  return { status: response.status, code: /<Code>(\w+)<\/Code>/.exec(text)?.[1], text }
}

export type Rotation = {
  /** Where secrets.json and keys.json lie. */
  folder: string
  gateway: RunningGateway
  now(): Date
  /** Turns the gateway's clock on. */
  pass(seconds: number): void
  log(): string
  /** A key of keys.json, once the gateway looks again for an id that it does not know. */
  make(owner: string): Promise<StoredKey>
  /** Presigned, for seven days. */
  url(by: Credentials, method: string, bucket: string, key: string): string
  /** Sent with an Authorization header. */
  signed(by: Credentials, method: string, path: string, body?: string): Promise<Answer>
  /** Stops the gateway, lets `between` change its folder, and starts it again, at another port. */
  restart(between?: () => void): Promise<void>
  close(): Promise<void>
}

export async function startRotation(): Promise<Rotation> {
  const dir = mkdtempSync(join(tmpdir(), 'postern-rotation-'))
  const folder = join(dir, 'storage')
  mkdirSync(folder)
  writeFileSync(join(folder, 'secrets.json'), JSON.stringify(testSecrets), { mode: 0o600 })
  let clock = new Date('2026-03-04T12:00:00Z')
  const now = (): Date => clock
  const lines: string[] = []
  const log = createLogger({ level: 'info', format: 'json' }, teeLog(lines))
  const start = (): Promise<RunningGateway> => startGateway({ keys: [configured] }, { dir, now, log })

  const rotation: Rotation = {
    folder,
    gateway: await start(),
    now,
    pass(seconds) {
      clock = new Date(clock.getTime() + seconds * 1000)
    },
    log: () => lines.join(''),
    async make(owner) {
      const key = await addKey(folder, { owner, taken: new Set(), now: clock })
      await sleep(50)
      return key!
    },
    url: (credentials, method, bucket, key) =>
      presign({
        method,
        endpoint: rotation.gateway.objectsUrl,
        bucket,
        key,
        pathStyle: true,
        credentials,
        region: 'us-east-1',
        expiresIn: 7 * 24 * hour,
        now: clock,
      }).url,
    signed(credentials, method, path, body = '') {
      const url = rotation.gateway.objectsUrl + path
      const payload = sha256(body)
      const { headers } = signRequest({
        method,
        url,
        headers: {},
        payload,
        credentials,
        region: 'us-east-1',
        now: clock,
      })
      return send(url, { method, headers: headers as Record<string, string>, ...(body === '' ? {} : { body }) })
    },
    async restart(between = () => {}) {
      await rotation.gateway.close()
      between()
      rotation.gateway = await start()
    },
    async close() {
      await rotation.gateway.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  return rotation
}
