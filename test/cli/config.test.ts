import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { makeBench, type Bench } from './run-postern.ts'

let bench: Bench
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

const broken = 'uploads:\n  maxsize: 5GiB\n  expiresIn: soon\nstorage: { driver: dsk }\n'

describe('config check', () => {
  it('accepts a valid configuration', async () => {
    expect(await bench.run(['config', 'check'])).toMatchObject({
      exitCode: 0,
      stdout: 'The configuration is valid.\n',
      stderr: '',
    })
    const json = await bench.run(['config', 'check', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ ok: true, problems: [], warnings: [] })
  })

  it('reports all errors at once with their lines, and exits with 2', async () => {
    bench.write('config/local.yaml', broken)
    const { exitCode, stdout } = await bench.run(['config', 'check'], { env: { POSTERN_LOG_LEVLE: 'warn' } })
    expect(exitCode).toBe(2)
    expect(stdout.split('\n')[0]).toBe('4 problems in the configuration:')
    expect(stdout).toMatch(/local\.yaml:2: uploads\.maxsize: there is no such key\. Did you mean uploads\.maxSize\?/)
    expect(stdout).toMatch(/local\.yaml:3: uploads\.expiresIn: expects a duration/)
    expect(stdout).toMatch(/local\.yaml:4: storage\.driver: expects one of disk, s3/)
    expect(stdout).toMatch(/variable POSTERN_LOG_LEVLE: is not a setting\. Did you mean POSTERN_LOG_LEVEL\?/)
  })

  it('reports them as JSON too', async () => {
    bench.write('mine.yaml', broken)
    const { exitCode, stdout } = await bench.run(['config', 'check', '--json', '--config', 'mine.yaml'])
    expect(exitCode).toBe(2)
    const { ok, problems } = JSON.parse(stdout) as { ok: boolean; problems: Record<string, unknown>[] }
    expect(ok).toBe(false)
    expect(problems.map(({ key }) => key).toSorted()).toEqual([
      'storage.driver',
      'uploads.expiresIn',
      'uploads.maxsize',
    ])
    expect(problems.find(({ key }) => key === 'uploads.maxsize')).toMatchObject({
      nearest: 'uploads.maxSize',
      source: { from: 'file', file: 'mine.yaml', line: 2 },
    })
  })
})

describe('config show', () => {
  it('prints the effective settings with their sources', async () => {
    const { exitCode, stdout } = await bench.run([
      'config',
      'show',
      '--set',
      'uploads.maxSize=1GiB',
      '--storage',
      'data',
    ])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('  maxSize: 1GiB # command line')
    expect(parse(stdout)).toMatchObject({ storage: { disk: { path: 'data' } } })
  })

  it('prints warnings on stderr, not in the result', async () => {
    const { stdout, stderr } = await bench.run(['config', 'show', '--json'], { env: { S3_BUCKET: 'my-app' } })
    expect(stderr).toContain('Warning: S3_BUCKET is set')
    expect(JSON.parse(stdout)).toMatchObject({ sources: { 'storage.bucket': 'default' } })
  })
})

it('config schema prints a JSON Schema', async () => {
  const { exitCode, stdout } = await bench.run(['config', 'schema'])
  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ type: 'object', properties: { server: { type: 'object' } } })
})

describe('usage', () => {
  it.each([
    [['--no-such-option'], 'unknown option'],
    [['presing'], 'Did you mean presign?'],
    [['serve', '--prot', '1'], 'Did you mean --port?'],
    [['token'], "required option '--sub <user>' not specified"],
    [['token', '--sub', 'a', '--expires', 'soon'], 'Write a duration such as'],
    [['config', 'show', '--set', 'uploads.maxSize'], 'Write KEY=VALUE'],
  ])('%j exits with 2', async (args, message) => {
    const { exitCode, stdout, stderr } = await bench.run(args)
    expect(exitCode).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
  })

  it('prints help and version on stdout', async () => {
    expect(await bench.run(['--help'])).toMatchObject({ exitCode: 0, stderr: '' })
    expect((await bench.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('an old Node', () => {
  const pretend = (version: string) => [
    '--import',
    `data:text/javascript,${encodeURIComponent(`Object.defineProperty(process.versions,'node',{value:'${version}'})`)}`,
  ]

  it.each(['20.20.2', '22.17.1', '18.0.0'])('%s is told what is needed', async (version) => {
    const { exitCode, stderr } = await bench.run(['config', 'check'], { nodeArgs: pretend(version) })
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`postern needs Node 22.18 or newer, and this is Node ${version}.`)
  })

  it.each(['22.18.0', '24.0.0', '30.1.0'])('%s is new enough', async (version) => {
    expect(await bench.run(['--version'], { nodeArgs: pretend(version) })).toMatchObject({ exitCode: 0 })
  })
})
