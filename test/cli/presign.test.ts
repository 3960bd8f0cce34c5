import { afterEach, beforeEach, expect, it } from 'vitest'
import { freePort } from './free-port.ts'
import { makeBench, type Bench } from './run-postern.ts'

let bench: Bench
beforeEach(async () => {
  bench = makeBench()
  await bench.makeStore()
})
afterEach(() => bench.remove())

it('signs URLs that the running server accepts, only for the signed request', async () => {
  const [api, objects] = [await freePort(), await freePort()]
  bench.write(
    'config/local.yaml',
    `server: { listen: "127.0.0.1:${api}" }\nobjects: { listen: "127.0.0.1:${objects}" }\nstorage: { disk: { minFree: 1MiB } }\n`,
  )
  const server = bench.start(['serve', '--json'])
  await server.until(/^\{"api".*\}$/m)

  const put = await bench.run([
    'presign',
    'put',
    'uploads/a b.txt',
    '--content-type',
    'text/plain',
    '--size',
    '5',
    '--json',
  ])
  expect(put.exitCode).toBe(0)
  const signed = JSON.parse(put.stdout) as {
    method: string
    url: string
    headers: Record<string, string>
    expiresIn: number
  }
  expect(signed).toMatchObject({ method: 'PUT', headers: { 'content-type': 'text/plain' }, expiresIn: 600 })
  expect(new URL(signed.url).origin).toBe(`http://127.0.0.1:${objects}`)
  const send = (body: string) => fetch(signed.url, { method: 'PUT', headers: signed.headers, body })
  expect((await send('too long')).status).toBe(403)
  expect((await send('bytes')).status).toBe(200)

  const get = await bench.run(['presign', 'get', 'uploads/a b.txt', '--expires-in', '90s'])
  expect(get.exitCode).toBe(0)
  expect(get.stdout).toMatch(/^http:\/\/\S+X-Amz-Expires=90\S+\n$/)
  expect(get.stderr).toContain('curl')
  const answer = await fetch(get.stdout.trim())
  expect([answer.status, await answer.text()]).toEqual([200, 'bytes'])
})

it('refuses requests that cannot be signed', async () => {
  expect(await bench.run(['presign', 'get', 'a/../b'])).toMatchObject({ exitCode: 1, stdout: '' })
  const tooLong = await bench.run(['presign', 'get', 'a.txt', '--expires-in', '8d'])
  expect(tooLong).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: '--expires-in is over the limit of 604800 seconds (7d).\n',
  })
})

it('signs a URL for a public key only with type and size', async () => {
  const put = (...options: string[]) => bench.run(['presign', 'put', 'public/a.bin', ...options])
  for (const options of [[], ['--size', '5'], ['--content-type', 'image/png']]) {
    const { exitCode, stdout, stderr } = await put(...options)
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(options.includes('--content-type') ? /Add --size/ : /Add --content-type/)
  }
  for (const type of ['text/html', 'image/svg+xml', 'application/xml', 'text/javascript;charset=utf-8']) {
    const { exitCode, stdout, stderr } = await put('--size', '5', '--content-type', type)
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain('Use a key outside public/')
  }
  const signed = await put('--size', '5', '--content-type', 'image/png')
  expect(signed.exitCode).toBe(0)
  expect(signed.stdout).toContain('X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost')
})

it('signs for a bucket with the s3 driver, without a request', async () => {
  const env = {
    POSTERN_STORAGE_DRIVER: 's3',
    S3_BUCKET: 'my-app',
    S3_ENDPOINT: 'http://127.0.0.1:9',
    S3_ACCESS_KEY: 'AKIAABCDEFGHIJKLMNOP',
    S3_SECRET_KEY: 'kqX1mB7zD0pWcR5tVn2y',
  }
  const { exitCode, stdout } = await bench.run(['presign', 'get', 'uploads/a.txt'], { env })
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:9\/my-app\/uploads\/a\.txt\?.*X-Amz-Credential=AKIAABCDEFGHIJKLMNOP/)
})
