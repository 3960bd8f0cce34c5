/** Outages of the database, and the options of its URL. */
import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { as, textFile } from '../api/caller.ts'
import { freePort } from '../cli/free-port.ts'
import { makeBench } from '../cli/run-postern.ts'
import { at, confirmedFile, facts, newUpload } from '../conformance/catalog/fixtures.ts'
import { startGateway } from '../fixtures/gateway.ts'
import { startPostgres, type Postgres } from '../fixtures/postgres.ts'
import { startStallingProxy } from '../fixtures/stalling-proxy.ts'
import { limit } from '../fixtures/time-limit.ts'

let server: Postgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.close())

const opened: Catalog[] = []
afterEach(async () => {
  for (const catalog of opened.splice(0)) await catalog.close()
})
async function open(parameters: Record<string, string> = {}, url?: string): Promise<Catalog> {
  const catalog = await createCatalog({ url: url ?? (await server.place(parameters)) })
  opened.push(catalog)
  await catalog.migrate()
  return catalog
}

describe('a database that becomes unreachable', () => {
  it('makes /readyz and requests 503 until it is back', async () => {
    const gateway = await startGateway({ database: { url: await server.place() } })
    const alice = await as(gateway, 'alice')
    expect((await alice.get('/readyz')).status).toBe(200)
    await server.stop('crash')
    await vi.waitFor(async () => expect((await alice.get('/readyz')).status).toBe(503), { timeout: limit(20_000) })
    expect((await alice.get('/healthz')).status).toBe(200)
    const refused = await alice.post('/files/upload-url', textFile)
    expect(refused).toMatchObject({ status: 503, json: { code: 'Unavailable' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    await server.start()
    await vi.waitFor(async () => expect((await alice.get('/readyz')).status).toBe(200), { timeout: limit(20_000) })
    expect((await alice.post('/files/upload-url', textFile)).status).toBe(200)
    await gateway.close()
  })

  it(
    'that accepts connections and never answers makes /readyz 503, and calls time out without queueing',
    { timeout: limit(90_000) },
    async () => {
      const url = new URL(await server.place())
      const proxy = await startStallingProxy({ port: Number(url.port) })
      url.port = String(proxy.port)
      const gateway = await startGateway({ database: { url: url.href } })
      const alice = await as(gateway, 'alice')
      expect((await alice.post('/files/upload-url', textFile)).status).toBe(200)
      proxy.change('stall')
      const refused = await vi.waitFor(
        async () => {
          const answer = await alice.get('/readyz')
          expect(answer.status).toBe(503)
          return answer
        },
        { timeout: limit(20_000) },
      )
      expect(refused.json.detail).toContain('database does not answer')
      const crowd = await Promise.all(Array.from({ length: 40 }, () => alice.get('/files')))
      expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([503]))
      const before = proxy.accepted
      const later = await Promise.all(Array.from({ length: 40 }, () => alice.get('/files')))
      expect(new Set(later.map(({ status }) => status))).toEqual(new Set([503]))
      expect(proxy.accepted - before).toBeLessThan(5)
      proxy.change('pass')
      await vi.waitFor(async () => expect((await alice.get('/readyz')).status).toBe(200), { timeout: limit(30_000) })
      expect((await alice.get('/files')).status).toBe(200)
      await gateway.close()
      await proxy.close()
    },
  )

  it('at startup is retried until it answers', { timeout: limit(90_000) }, async () => {
    const url = new URL(await server.place())
    const proxy = await startStallingProxy({ port: Number(url.port) })
    proxy.change('stall')
    url.port = String(proxy.port)
    const bench = makeBench()
    const api = `127.0.0.1:${await freePort()}`
    const set = [`database.url=${url.href}`, `server.listen=${api}`, 'objects.listen=127.0.0.1:0']
    const args = [...set, 'storage.disk.minFree=1MiB'].flatMap((one) => ['--set', one])
    const serving = bench.start(['serve', '--dev', '--json', ...args])
    await serving.until(/not ready: the database at/)
    expect((await fetch(`http://${api}/readyz`)).status).toBe(503)
    proxy.change('pass')
    await serving.until(/^\{"api".*"ready":true/m)
    expect((await fetch(`http://${api}/readyz`)).status).toBe(200)
    await bench.remove()
    await proxy.close()
  })

  it('for a moment delays calls, which then run once', async () => {
    const catalog = await open()
    const asked = Promise.allSettled(
      Array.from({ length: 40 }, async (_, i) => {
        await sleep(i * 10)
        const upload = await catalog.createUpload(newUpload())
        return (await catalog.confirmUpload(upload.file.id, facts(upload))).created
      }),
    )
    await sleep(100)
    await server.stop('fast')
    await server.start()
    const results = await asked
    const reasons = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason.code)
    // Only what was lost in the very commit is left to the client.
    expect(new Set(reasons).size === 0 || reasons.every((code) => code === 'Unavailable')).toBe(true)
    const { files } = await catalog.listFiles('alice', { limit: 100 })
    const confirmed = files.filter(({ status }) => status === 'confirmed').length
    expect(confirmed).toBeGreaterThanOrEqual(results.filter(({ status }) => status === 'fulfilled').length)
    expect(await catalog.usage('alice')).toEqual({
      bytes: confirmed * 10,
      files: confirmed,
      reservedBytes: (files.length - confirmed) * 10,
      reservedFiles: files.length - confirmed,
    })
  })

  it('that loses single connections keeps the counts right', async () => {
    const catalog = await open({ application_name: 'victim' })
    const kill = setInterval(() => {
      void server.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`)
    }, 30)
    const results = await Promise.allSettled(
      Array.from({ length: 60 }, async (_, i) => {
        await sleep(i * 8)
        return catalog.createUpload(newUpload())
      }),
    )
    clearInterval(kill)
    await sleep(50)
    const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason.code)
    expect(refused.every((code) => code === 'Unavailable')).toBe(true)
    const { files } = await catalog.listFiles('alice', { limit: 100 })
    expect(await catalog.usage('alice')).toMatchObject({
      reservedFiles: files.length,
      reservedBytes: files.length * 10,
    })
    expect(files.length).toBeGreaterThanOrEqual(60 - refused.length)
  })
})

describe('a connection that is lost', () => {
  /** A catalog behind a proxy, with one confirmed file, and the same catalog reached directly. */
  async function openBehindProxy() {
    const url = new URL(await server.place({ application_name: 'behind' }))
    const direct = await open({}, url.href)
    const proxy = await startStallingProxy({ port: Number(url.port) })
    url.port = String(proxy.port)
    const { file } = await confirmedFile(direct)
    return { direct, proxy, file, behind: await open({}, url.href) }
  }

  it('leaves the outcome of a single statement unknown, so the change is not repeated', async () => {
    const { direct, proxy, file, behind } = await openBehindProxy()
    proxy.change('lose-answers')
    const renamed = behind.updateFile('alice', file.id, { filename: 'new.txt' }).catch((error: unknown) => error)
    await vi.waitFor(async () => {
      expect((await direct.getFile('alice', file.id))?.filename).toBe('new.txt')
    })
    await direct.deleteFile('alice', file.id, at(1))
    proxy.change('pass')
    // A repetition would find no file.
    expect(await renamed).toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('may or may not have happened'),
    })
    await proxy.close()
  })

  it('does not fail a read, which is retried', async () => {
    const { proxy, file, behind } = await openBehindProxy()
    proxy.change('lose-answers')
    const read = behind.getFile('alice', file.id)
    await sleep(100)
    proxy.change('pass')
    expect((await read)?.id).toBe(file.id)
    await proxy.close()
  })

  it('retries a statement that the server terminated', async () => {
    const url = await server.place({ application_name: 'ended' })
    const catalog = await open({}, url)
    const { file } = await confirmedFile(catalog)
    const other = new Client({ connectionString: url, application_name: 'other' })
    await other.connect()
    await other.query('begin; select * from files for update')
    const renamed = catalog.updateFile('alice', file.id, { filename: 'new.txt' })
    const ended = `select pg_terminate_backend(pid) as ended from pg_stat_activity
      where application_name = 'ended' and wait_event_type = 'Lock'`
    await vi.waitFor(async () => expect(await server.query(ended)).toEqual([{ ended: true }]))
    await other.query('rollback')
    await other.end()
    expect((await renamed)?.filename).toBe('new.txt')
  })
})

describe('a lock of another connection', () => {
  it('delays a transaction, which is retried after lock_timeout', async () => {
    const url = await server.place({ lock_timeout: '150' })
    const catalog = await open({}, url)
    await catalog.createUpload(newUpload())
    const other = new Client({ connectionString: url })
    await other.connect()
    await other.query('begin; select * from usage for update')
    const waiting = catalog.createUpload(newUpload())
    await sleep(500)
    await other.query('rollback')
    await other.end()
    await waiting
    expect(await catalog.usage('alice')).toMatchObject({ reservedFiles: 2 })
  })
})

describe('the database URL', () => {
  it('sets the number of connections', async () => {
    const catalog = await open({ pool_size: '2', application_name: 'small' })
    await Promise.all(Array.from({ length: 30 }, () => catalog.createUpload(newUpload())))
    const found = await server.query<{ n: string }>(
      `select count(*) as n from pg_stat_activity where application_name = 'small'`,
    )
    expect(Number(found[0]?.n)).toBe(2)
  })

  it.each([
    ['postgres://u:geheim@db/app?pool_size=none', /pool_size must be a whole number from 1 to 1000/],
    ['postgres://u:geheim@db/app?sslmode=maybe', /sslmode must be one of disable, prefer, require/],
    ['postgres://u:geheim@db/app?sslmode=verify-ca', /sslrootcert=FILE/],
    ['postgres://u:geheim@db/app?sslmode=verify-full&sslrootcert=/no/such/file', /ENOENT/],
    ['postgres://u:ge/heim@db:x/app', /is not a valid URL/],
  ])('%s is refused without printing its password', async (url, message) => {
    const refused = await createCatalog({ url }).catch((error: Error & { code: string }) => error)
    expect(refused).toMatchObject({ code: 'InvalidArgument', message: expect.stringMatching(message) })
    expect((refused as Error).message).not.toContain('geheim')
  })

  it.each([
    [
      'a database that is not there',
      (url: URL) => (url.pathname = '/absent'),
      /does not exist. Create it with createdb/,
    ],
    ['TLS on a server without TLS', (url: URL) => url.searchParams.set('sslmode', 'require'), /does not offer TLS/],
  ])('to %s says what to do', async (_, change, message) => {
    const url = new URL(await server.place())
    change(url)
    const catalog = await createCatalog({ url: url.href })
    opened.push(catalog)
    await expect(catalog.migrate()).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringMatching(message),
    })
  })

  it('sets TLS as in libpq, with and without verification of the certificate', async () => {
    const secure = await startPostgres()
    const [key, certificate] = [join(secure.folder, 'server.key'), join(secure.folder, 'server.crt')]
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost']
    execFileSync('openssl', [...args, '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate], {
      stdio: 'pipe',
    })
    secure.give(key)
    secure.give(certificate)
    appendFileSync(join(secure.folder, 'postgresql.conf'), "ssl = 'on'\n")
    await secure.stop('fast')
    await secure.start()
    const isEncrypted = async (parameters: Record<string, string>): Promise<boolean> => {
      const url = new URL(await secure.place({ application_name: 'tls', ...parameters }))
      url.hostname = 'localhost'
      await open({}, url.href)
      const [row] = await secure.query<{ ssl: boolean }>(
        `select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'tls'`,
      )
      for (const catalog of opened.splice(0)) await catalog.close()
      return row?.ssl === true
    }
    expect(await isEncrypted({})).toBe(false)
    expect(await isEncrypted({ sslmode: 'require' })).toBe(true)
    expect(await isEncrypted({ sslmode: 'verify-full', sslrootcert: certificate })).toBe(true)
    await expect(isEncrypted({ sslmode: 'verify-full' })).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('sslrootcert=FILE'),
    })
    await secure.close()
  })
})

it('postern db migrate updates the schema, and status reports the state', async () => {
  const bench = makeBench()
  const env = { DATABASE_URL: await server.place() }
  const before = await bench.run(['db', 'status'], { env })
  expect(before).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^0001-files {2}not applied$/m) })
  expect((await bench.run(['db', 'migrate', '--json'], { env })).stdout).toContain('"0001-files"')
  expect(await bench.run(['db', 'migrate'], { env })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/up to date/),
  })
  const after = await bench.run(['db', 'status', '--json'], { env })
  expect(after.exitCode).toBe(0)
  expect(JSON.parse(after.stdout)).toMatchObject({ upToDate: true })
  await bench.remove()
})
