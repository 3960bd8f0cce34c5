/** `postern exec`: a gateway for the duration of one command. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeBench, type Bench } from './run-postern.ts'

let bench: Bench
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

const sdk = new URL('../../node_modules/@aws-sdk/client-s3/dist-cjs/index.js', import.meta.url).href
/** Writes a script of the application under test; `s3` is a client of the AWS SDK without any setting. */
const script = (code: string): string => {
  bench.write('app.mjs', `import sdk from ${JSON.stringify(sdk)}\nconst s3 = new sdk.S3Client({})\n${code}`)
  return join(bench.path, 'app.mjs')
}

describe('postern exec', () => {
  test('runs a command whose SDK has no endpoint, and passes on its exit code', async () => {
    const app = script(`
      const Bucket = process.env.AWS_S3_BUCKET
      await s3.send(new sdk.PutObjectCommand({ Bucket, Key: 'a.txt', Body: 'hello' }))
      console.log(await (await s3.send(new sdk.GetObjectCommand({ Bucket, Key: 'a.txt' }))).Body.transformToString())
      process.exit(7)`)
    const result = await bench.run(['exec', '--bucket', 'uploads', '--', process.execPath, app])
    expect(result).toMatchObject({ exitCode: 7, stdout: 'hello\n' })
  })

  test('reports the last refusals and their reasons when the command fails', async () => {
    const app = script(`await s3.send(new sdk.PutObjectCommand({ Bucket: 'missing', Key: 'k', Body: 'x' }))`)
    const { exitCode, stderr } = await bench.run(['exec', '--', process.execPath, app])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('PUT /missing/k 404 NoSuchBucket: The specified bucket does not exist')
    expect(stderr).toContain('Create the bucket first, or correct its name.')
  })

  test('makes requests fail with --fault, and names the seed when the command fails', async () => {
    const app = script(`await s3.send(new sdk.PutObjectCommand({ Bucket: 'uploads', Key: 'k', Body: 'x' }))`)
    const faults = ['--fault', 'disk-full', '--seed', '42']
    const { exitCode, stderr } = await bench.run([
      'exec',
      '--bucket',
      'uploads',
      ...faults,
      '--',
      process.execPath,
      app,
    ])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/faults changed \d+ requests; --seed 42 repeats them:\n {2}disk-full: \d+ of \d+ matching/)
  })

  test('refuses an unknown fault and names the presets', async () => {
    const { exitCode, stderr } = await bench.run(['exec', '--fault', 'rain', '--', 'true'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('There is no fault preset "rain". The presets are: slow-down,')
  })

  test('starts the clock at --now', async () => {
    const app = script(`
      const { headers } = await fetch(process.env.POSTERN_URL + '/files')
      console.log(headers.get('date'))`)
    const { stdout } = await bench.run(['exec', '--now', '2031-02-03T04:05:06Z', '--', process.execPath, app])
    expect(stdout).toMatch(/^Mon, 03 Feb 2031 04:05/)
  })

  test('hides credentials and profiles of the user from the command', async () => {
    const print = `const names = ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_CONFIG_FILE']
      console.log(JSON.stringify(names.map((name) => process.env[name] ?? null)))`
    const { stdout } = await bench.run(['exec', '--', process.execPath, '-e', print], {
      env: {
        AWS_PROFILE: 'production',
        AWS_SESSION_TOKEN: 'secret',
        AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
        AWS_ACCESS_KEY_ID: 'AKIAPRODUCTION',
        AWS_CONFIG_FILE: '/home/user/.aws/config',
      },
    })
    const [profile, sessionToken, endpoint, accessKeyId, configFile] = JSON.parse(stdout) as string[]
    expect([profile, sessionToken, endpoint, accessKeyId]).toEqual([null, null, null, 'postern'])
    expect(configFile).not.toContain('/home/user')
  })

  test('a gateway started by the command accepts the exported variables', async () => {
    const check = new URL('../../src/config/load-config.ts', import.meta.url).href
    const code = `await import(${JSON.stringify(check)}).then(({ loadConfig }) => loadConfig()); console.log('loaded')`
    const result = await bench.run(['exec', '--', process.execPath, '--input-type=module', '-e', code])
    expect(result).toMatchObject({ exitCode: 0, stdout: 'loaded\n' })
  })

  test('saves the objects of the command, and starts with them the next time', async () => {
    const saved = 'state.tar'
    const write = script(`await s3.send(new sdk.PutObjectCommand({ Bucket: 'app', Key: 'kept', Body: 'x' }))`)
    const first = await bench.run(['exec', '--bucket', 'app', '--save', saved, '--', process.execPath, write])
    expect(first.exitCode).toBe(0)
    const list = script(
      `console.log((await s3.send(new sdk.ListObjectsV2Command({ Bucket: 'app' }))).Contents.map((o) => o.Key).join())`,
    )
    const second = await bench.run(['exec', '--bucket', 'app', '--load', saved, '--', process.execPath, list])
    expect(second).toMatchObject({ exitCode: 0, stdout: 'kept\n' })
  })

  test('explains invalid arguments, and starts nothing', async () => {
    expect(await bench.run(['exec', '--', 'no-such-command-here'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('The command "no-such-command-here" was not found'),
    })
    expect(await bench.run(['exec'])).toMatchObject({ exitCode: 2 })
    expect(await bench.run(['exec', '--bucket', 'NOT VALID', '--', 'true'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('A bucket name has 3 to 63'),
    })
    expect(await bench.run(['exec', '--load', '/nowhere/at/all', '--bucket', 'app', '--', 'true'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('There is no folder /nowhere/at/all'),
    })
  })

  test.skipIf(process.platform === 'win32')('forwards SIGTERM and reports the signal as a shell does', async () => {
    const result = await bench.run(['exec', '--', process.execPath, '-e', 'process.kill(process.pid, "SIGTERM")'])
    expect(result.exitCode).toBe(143)
  })

  test('keeps the folder with --keep, and prints how to inspect it', async () => {
    const { stderr } = await bench.run(['exec', '--keep', '--', process.execPath, '-e', '0'])
    const [, folder = ''] = /^Kept (\S+)\. To inspect it, run: postern dev --storage \S+$/m.exec(stderr) ?? []
    expect(existsSync(join(folder, 'storage', 'index.sqlite'))).toBe(true)
    rmSync(folder, { recursive: true })
  })

  test('leaves no temporary folder', async () => {
    const left = (): string[] => readdirSync(bench.path).filter((name) => name.startsWith('postern-'))
    await bench.run(['exec', '--', process.execPath, '-e', ''], { env: { TMPDIR: bench.path, TEMP: bench.path } })
    expect(left()).toEqual([])
    const { stderr } = await bench.run(['exec', '--keep', '--', process.execPath, '-e', ''], {
      env: { TMPDIR: bench.path, TEMP: bench.path },
    })
    expect(stderr).toContain('To inspect it, run: postern dev --storage')
    expect(left()).toHaveLength(1)
  })
})
