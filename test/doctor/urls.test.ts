/** `postern doctor` checks the public URLs, with a running server and with misconfigured proxies. */
import { createServer, request as forward, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSecretKey } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { put } from '../../src/doctor/bucket/object-checks.ts'
import { roundTrip } from '../../src/doctor/bucket/presigned-checks.ts'
import { createStoreProbe, type StoreTarget } from '../../src/doctor/bucket/store-probe.ts'
import { runChecks, type Result } from '../../src/doctor/check.ts'
import { urlChecks, type UrlSubject } from '../../src/doctor/url-checks.ts'
import { instanceProof } from '../../src/http/instance-proof.ts'
import { freePort } from '../cli/free-port.ts'
import { startGateway, testSecrets, type RunningGateway } from '../fixtures/gateway.ts'

let gateway: RunningGateway
let other: RunningGateway
const servers: Server[] = []
beforeAll(async () => {
  gateway = await startGateway()
  other = await startGateway({ auth: { secret: 'another-secret-0123456789abcdef0123456789abcdef' } })
})
afterAll(async () => {
  for (const server of servers) server.close()
  await Promise.all([gateway.close(), other.close()])
})

const proof = (nonce: string): string => instanceProof(createSecretKey(Buffer.from(testSecrets.jwtSecret)), nonce)

/** A proxy on a port of its own. */
async function proxyTo(
  target: string,
  change: { host?: string; path?: (path: string) => string; dropsLength?: boolean } = {},
): Promise<string> {
  const { hostname, port } = new URL(target)
  const server = createServer((req, res) => {
    const headers: IncomingHttpHeaders = { ...req.headers, ...(change.host !== undefined && { host: change.host }) }
    if (change.dropsLength) delete headers['content-length']
    const path = change.path?.(req.url ?? '/') ?? req.url
    req.pipe(
      forward({ hostname, port, method: req.method, path, headers, agent: false }, (answer) => {
        res.writeHead(answer.statusCode ?? 0, answer.headers)
        answer.pipe(res)
      }),
    )
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const targetAt = (publicEndpoint: string, endpoint = gateway.objectsUrl): StoreTarget => ({
  isOwnEndpoint: true,
  settings: { endpoint: 'objects.listen', publicEndpoint: 'objects.publicUrl', region: 'objects.region' },
  endpoint,
  publicEndpoint,
  named: { url: '', setting: 'objects.publicUrl' as const },
  bucket: 'postern',
  region: 'us-east-1',
  pathStyle: true,
  prefix: '',
  credentials: testSecrets.signing,
  expiration: null,
  provider: 'postern',
  signsLength: true,
  longestUrl: 60,
  origins: [],
  now: () => new Date(),
})

async function examined(
  o: { listen?: string; api?: string | null; objects?: string | null; endpoint?: string } = {},
): Promise<Record<string, Result>> {
  const publicEndpoint = o.objects === undefined ? gateway.objectsUrl : o.objects
  const objects = publicEndpoint === null ? null : createStoreProbe(targetAt(publicEndpoint, o.endpoint))
  const subject: UrlSubject = {
    listenUrl: o.listen ?? gateway.apiUrl,
    apiUrl: o.api ?? null,
    proof,
    objectsUrl: publicEndpoint,
    objects,
  }
  const results = await runChecks('urls', urlChecks, subject)
  expect(await objects?.cleanUp()).toEqual(objects === null ? undefined : [])
  return Object.fromEntries(results.map((result) => [result.check, result]))
}

it('passes if the public URLs lead to this server', async () => {
  const results = await examined({ api: await proxyTo(gateway.apiUrl), objects: await proxyTo(gateway.objectsUrl) })
  expect(Object.values(results).map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok'])
  expect((await gateway.gateway.driver.listObjects({ bucket: 'postern' })).objects).toEqual([])
})

it('skips the URLs while the server is not running', async () => {
  const results = await examined({ listen: 'http://127.0.0.1:9' })
  expect(Object.values(results).map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown', 'unknown'])
})

it('detects another program and another gateway at the port', async () => {
  const foreign = await proxyTo(gateway.apiUrl, { path: () => '/nothing' })
  expect((await examined({ listen: foreign }))['server']).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/^Another program/),
  })
  expect((await examined({ listen: other.apiUrl }))['server']).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/other secrets/),
    fix: expect.stringMatching(/--config/),
  })
})

it('detects a public URL that leads to another server or cannot be reached', async () => {
  expect((await examined({ api: other.apiUrl }))['api-url']).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/another gateway/),
  })
  expect((await examined({ api: 'http://127.0.0.1:9' }))['api-url']).toMatchObject({
    outcome: 'failed',
    fix: expect.stringMatching(/server\.publicUrl/),
  })
  expect((await examined({ objects: 'http://127.0.0.1:9' }))['objects-url']).toMatchObject({
    outcome: 'failed',
    fix: expect.stringMatching(/objects\.publicUrl/),
  })
  expect((await examined({ objects: other.objectsUrl }))['objects-url']).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/leads elsewhere \(404 NoSuchKey\)/),
  })
})

it('prints the sent and the received Host if a proxy rewrites it', async () => {
  const api = await proxyTo(gateway.apiUrl, { host: 'backend:4000' })
  expect((await examined({ api }))['api-url']).toMatchObject({
    outcome: 'ok',
    message: expect.stringContaining(`${new URL(api).host} was sent, backend:4000 arrived`),
  })
  const objects = await proxyTo(gateway.objectsUrl, { host: 'backend:4001' })
  expect((await examined({ objects }))['objects-url']).toMatchObject({
    outcome: 'failed',
    message: expect.stringContaining(`${new URL(objects).host} was sent, backend:4001 arrived`),
    fix: expect.stringMatching(/proxy_set_header Host \$http_host/),
  })
})

it('detects a proxy that changes the path', async () => {
  const objects = await proxyTo(gateway.objectsUrl, {
    path: (path) => path.replace('/postern-doctor/', '/postern-doctor//'),
  })
  expect((await examined({ objects }))['objects-url']).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/changes the request/),
  })
})

/** Runs the bucket checks that use the public endpoint. */
async function triedAt(publicEndpoint: string, endpoint?: string): Promise<Result> {
  const probe = createStoreProbe(targetAt(publicEndpoint, endpoint))
  const checks = [put, roundTrip].map(({ needs: _needs, ...check }) => check)
  const results = await runChecks('bucket', checks, probe)
  expect(await probe.cleanUp()).toEqual([])
  expect(results[0]).toMatchObject({ check: 'put', outcome: 'ok' })
  return results[1]!
}

it('starts with the message of the endpoint if a proxy strips the path of the public URL', async () => {
  const port = await freePort()
  const below = await startGateway({
    objects: { listen: `127.0.0.1:${port}`, publicUrl: 'https://files.example.com/files' },
  })
  try {
    const direct = `http://127.0.0.1:${port}/files`
    const strips = await proxyTo(direct, { path: (path) => path.replace(/^\/files/, '') })
    const keeps = await proxyTo(direct)
    const expected = {
      outcome: 'failed',
      message: expect.stringMatching(
        /^The endpoint answers: "This endpoint is mounted below \/files\/\." .* removes \/files/,
      ),
      fix: expect.stringMatching(/without StripPrefix/),
    }
    expect((await examined({ objects: `${strips}/files`, endpoint: direct }))['objects-url']).toMatchObject(expected)
    expect(await triedAt(`${strips}/files`, direct)).toMatchObject(expected)
    expect(await triedAt(`${keeps}/files`, direct)).toMatchObject({ outcome: 'ok' })
  } finally {
    await below.close()
  }
})

it('names a proxy that drops Content-Length', async () => {
  const objects = await proxyTo(gateway.objectsUrl, { dropsLength: true })
  expect(await triedAt(objects)).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/a proxy in front of .* drops Content-Length/),
    fix: expect.stringMatching(/proxy_request_buffering off/),
  })
  expect(await triedAt(await proxyTo(gateway.objectsUrl))).toMatchObject({ outcome: 'ok' })
})

it('answers a nonce only, so that it signs no text that a caller chooses', async () => {
  const ask = async (query: string) => (await (await fetch(`${gateway.apiUrl}/healthz${query}`)).json()) as object
  const nonce = '0123456789abcdef'.repeat(2)
  expect(await ask(`?nonce=${nonce}`)).toEqual({
    status: 'ok',
    proof: proof(nonce),
    host: new URL(gateway.apiUrl).host,
  })
  for (const query of [
    '',
    '?nonce=',
    '?nonce=eyJhbGciOiJIUzI1NiJ9.e30',
    `?nonce=${nonce}0`,
    `?nonce=${nonce}&nonce=${nonce}`,
  ]) {
    expect(await ask(query)).toEqual({ status: 'ok' })
  }
})
