/** `postern explain` as a process: for a running gateway, with its own keys and with others. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { presign } from '../../src/sigv4/presign.ts'
import { freePort } from './free-port.ts'
import { makeBench, type Bench, type Finished } from './run-postern.ts'

// Each command is a separate process, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let bench: Bench
let objects: number
let putUrl: string
let getUrl: string
beforeAll(async () => {
  bench = makeBench()
  await bench.makeStore()
  objects = await freePort()
  bench.write(
    'config/local.yaml',
    `server: { listen: "127.0.0.1:${await freePort()}" }\nobjects: { listen: "127.0.0.1:${objects}" }\nstorage: { disk: { minFree: 1MiB } }\n`,
  )
  bench.write('body.txt', 'bytes')
  const server = bench.start(['serve', '--json'])
  await server.until(/^\{"api".*\}$/m)
  const sign = async (...args: string[]) =>
    (JSON.parse((await bench.run(['presign', ...args, '--json'])).stdout) as { url: string }).url
  putUrl = await sign('put', 'a b.txt', '--content-type', 'text/plain', '--size', '5')
  getUrl = await sign('get', 'a b.txt')
})
afterAll(() => bench.remove())

const explain = (...args: string[]): Promise<Finished> => bench.run(['explain', ...args])
const asJson = async (...args: string[]): Promise<Record<string, any>> => {
  const { exitCode, stdout } = await explain(...args, '--json')
  return { exitCode, ...(JSON.parse(stdout) as Record<string, any>) }
}

describe('a URL of this gateway', () => {
  it('is decoded and checked with its own key, and the signed request is found', async () => {
    const { exitCode, stdout } = await explain(getUrl)
    expect(exitCode).toBe(0)
    expect(stdout).toContain('✔ The signature is valid.')
    expect(stdout).toMatch(/object\s+postern\/a b\.txt/)
    expect(stdout).toMatch(/valid\s+1 h, until \S+Z \(59 min \d+ s left\)/)
    const { outcome, signedFor, decoded } = await asJson(putUrl, '--header', 'content-length: 5')
    expect({ outcome, signedFor: signedFor.method, key: decoded.key }).toEqual({
      outcome: 'valid',
      signedFor: 'PUT',
      key: 'a b.txt',
    })
    expect(signedFor.headers).toContainEqual({ name: 'content-type', value: 'text/plain' })
  })

  it('is unchecked, not refused, if a signed header is not given', async () => {
    expect(await asJson(putUrl)).toMatchObject({ exitCode: 0, ok: true, outcome: 'unchecked', difference: null })
  })

  it('shows the signed and the sent values side by side', async () => {
    const { exitCode, stdout } = await explain(
      putUrl,
      '--method',
      'PUT',
      '--header',
      'content-type: image/png',
      '--header',
      'content-length: 5',
    )
    expect(exitCode).toBe(1)
    expect(stdout).toContain('✖ The header content-type was signed as "text/plain" but sent as "image/png".')
    expect(stdout).toMatch(/header content-type\n\s+signed {2}text\/plain\n\s+sent {4}image\/png/)
    expect(await asJson(getUrl, '--method', 'HEAD')).toMatchObject({
      exitCode: 1,
      ok: false,
      difference: { code: 'MethodChanged' },
    })
    expect(await asJson(`${getUrl}&x=1`)).toMatchObject({ difference: { code: 'ParameterAdded', name: 'x' } })
  })

  it('never prints a secret, or a sent or computed signature', async () => {
    const { stdout } = await explain(`${getUrl}&x=1`, '--json')
    expect(stdout).not.toContain(new URL(getUrl).searchParams.get('X-Amz-Signature'))
    expect(stdout).not.toMatch(/[0-9a-f]{64}/)
  })
})

describe('--try', () => {
  it('never sends a write without bytes, or a DELETE', async () => {
    expect(await asJson(putUrl, '--header', 'content-length: 5', '--try')).toMatchObject({
      exitCode: 0,
      answer: null,
      notSent: expect.stringMatching(/--body FILE/),
    })
    expect(await asJson(getUrl, '--method', 'DELETE', '--try')).toMatchObject({
      answer: null,
      notSent: expect.stringMatching(/DELETE/),
    })
    expect((await fetch(getUrl)).status).toBe(404)
  })

  it('reads the response, and explains it', async () => {
    expect(await asJson(getUrl, '--try')).toMatchObject({
      exitCode: 1,
      answer: { status: 404, code: 'NoSuchKey', advice: expect.stringMatching(/URL is valid/), clockAhead: 0 },
    })
    const put = [putUrl, '--method', 'PUT', '--header', 'content-length: 5', '--try', '--body', 'body.txt']
    const wrong = await asJson(...put, '--header', 'content-type: image/png')
    expect(wrong).toMatchObject({
      exitCode: 1,
      answer: { status: 403, code: 'SignatureDoesNotMatch', seenOtherwise: null },
    })
    const sent = await explain(...put, '--header', 'content-type: text/plain')
    expect(sent).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('✔ PUT returned 200') })
    expect(await asJson(getUrl, '--try')).toMatchObject({ exitCode: 0, answer: { status: 200 } })
    expect(await (await fetch(getUrl)).text()).toBe('bytes')
  })

  it('reports an unreachable server', async () => {
    const port = await freePort()
    const url = getUrl.replace(`:${objects}`, `:${port}`)
    expect(await asJson(url, '--try')).toMatchObject({
      exitCode: 1,
      answer: null,
      notSent: expect.stringMatching(/Could not reach the store/),
    })
  })
})

describe('a URL of another store', () => {
  const credentials = {
    accessKeyId: 'AKIASOMEBODYELSE0001',
    secretAccessKey: 'somebody-elses-secret-0123456789abcdefgh',
  }
  const url = presign({
    method: 'GET',
    endpoint: 'https://s3.eu-west-1.amazonaws.com',
    bucket: 'theirs',
    key: 'a.txt',
    pathStyle: false,
    credentials,
    region: 'eu-west-1',
    expiresIn: 600,
    now: new Date(),
  }).url

  it('is decoded without a secret, and checked with one from a file or a variable', async () => {
    expect(await asJson(url)).toMatchObject({
      exitCode: 0,
      outcome: 'unchecked',
      decoded: { bucket: 'theirs', key: 'a.txt', credential: { region: 'eu-west-1' } },
    })
    bench.write('secret.txt', `${credentials.secretAccessKey}\n`)
    expect(await asJson(url, '--secret-file', 'secret.txt')).toMatchObject({ exitCode: 0, outcome: 'valid' })
    const { stdout } = await bench.run(['explain', url, '--method', 'HEAD', '--json'], {
      env: { EXPLAIN_SECRET: credentials.secretAccessKey },
    })
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'refused',
      difference: { code: 'MethodChanged', signed: 'GET' },
    })
    expect(await asJson(url, '--secret', 'a-wrong-one')).toMatchObject({
      exitCode: 1,
      difference: { code: 'NoOriginalFound', certain: false },
    })
  })

  it('reports an expired URL and a foreign scheme', async () => {
    expect(
      await asJson(url.replace(/X-Amz-Date=\d{4}/, 'X-Amz-Date=2020').replace(/%2F\d{4}/, '%2F2020')),
    ).toMatchObject({ exitCode: 1, difference: { code: 'Expired' } })
    expect(await explain('https://a.blob.core.windows.net/c/k?sv=1&se=2&sig=x')).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('Azure'),
    })
  })
})

it('refuses invalid arguments', async () => {
  expect(await explain('uploads/a.txt')).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringMatching(/not an http or https URL/),
  })
  expect(await explain(getUrl, '--header', 'oops')).toMatchObject({ exitCode: 2, stdout: '' })
  expect(await explain(getUrl, '--secret-file', 'none.txt')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/none\.txt/),
  })
  expect(await explain(putUrl, '--try', '--body', 'none.bin')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/none\.bin/),
  })
})
