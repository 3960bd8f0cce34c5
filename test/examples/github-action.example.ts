/** action.yml without a runner: bash runs its steps, and later steps, as a runner would. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeAll, afterAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { startProgram, type Npm } from '../fixtures/npm.ts'
import { makeServerProject, type EmptyProject } from './empty-project.ts'

type Action = {
  inputs: Record<string, { default: string }>
  outputs: Record<string, { value: string }>
  runs: { using: string; steps: { id: string; shell: string; env: Record<string, string>; run: string }[] }
}

const root = join(import.meta.dirname, '..', '..')
const action = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as Action
let project: EmptyProject & { tarball: string }
let job: string
const running: Npm[] = []

beforeAll(async () => {
  project = await makeServerProject()
})
afterAll(() => project?.remove())
afterEach(async () => {
  for (const step of running.splice(0)) await endGroup(step)
  rmSync(job, { recursive: true, force: true })
})

/** As the runner does at the end of a job: the gateway has left its step, and is in a group of its own. */
async function endGroup(step: Npm): Promise<void> {
  const [, pid] = /^gateway (\d+)$/m.exec(step.output()) ?? []
  if (pid !== undefined) process.kill(-Number(pid), 'SIGTERM')
  await step.stop()
}

/** Runs the steps of the action. Returns the environment of later steps, and the outputs. */
async function runAction(inputs: Record<string, string>, env: Record<string, string> = {}) {
  job = mkdtempSync(join(tmpdir(), 'postern-job-'))
  const files = { GITHUB_ENV: join(job, 'env'), GITHUB_OUTPUT: join(job, 'output'), RUNNER_TEMP: join(job, 'temp') }
  mkdirSync(files.RUNNER_TEMP)
  for (const name of ['env', 'output']) writeFileSync(join(job, name), '')
  const given = { ...Object.fromEntries(Object.entries(action.inputs).map(([k, o]) => [k, o.default])), ...inputs }
  const fill = (text: string): string =>
    text.replaceAll(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name: string) => given[name]!)
  expect(action.runs.using).toBe('composite')
  for (const { shell, run, env: own } of action.runs.steps) {
    expect(shell).toBe('bash')
    const script = join(job, 'step.sh')
    writeFileSync(script, fill(run))
    const filled = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, fill(value)]))
    const step = startProgram('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
      cwd: job,
      env: { ...files, GITHUB_ACTION_PATH: root, npm_config_prefer_offline: 'true', ...filled, ...env },
    })
    running.push(step)
    if ((await step.ended) !== 0) throw new Error(step.output())
  }
  const read = (file: string): Record<string, string> =>
    Object.fromEntries([...readFileSync(file, 'utf8').matchAll(/^([\w-]+)=(.*)$/gm)].map(([, k, v]) => [k!, v!]))
  return { env: read(files.GITHUB_ENV), outputs: read(files.GITHUB_OUTPUT) }
}

const sdk = pathToFileURL(join(root, 'node_modules/@aws-sdk/client-s3/dist-cjs/index.js')).href
const laterStep = `
  const { GetObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client } = (await import('${sdk}')).default
  const s3 = new S3Client()
  const { Buckets } = await s3.send(new ListBucketsCommand())
  const Bucket = process.env.AWS_S3_BUCKET
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a.txt', Body: 'hello' }))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'a.txt' }))
  console.log(JSON.stringify([Bucket, Buckets.map(({ Name }) => Name), await Body.transformToString()]))`

it('starts a gateway with buckets for later steps, which need no endpoint in their code', async () => {
  const { env, outputs } = await runAction({ buckets: 'photos videos', package: project.tarball })
  const step = spawnSync(process.execPath, ['--input-type=module', '-e', laterStep], {
    env: { PATH: process.env['PATH'], ...env },
    encoding: 'utf8',
  })
  expect(step.stderr).toBe('')
  expect(JSON.parse(step.stdout)).toEqual(['photos', ['photos', 'videos'], 'hello'])
  expect(Object.keys(outputs)).toEqual(Object.keys(action.outputs))
  expect((await fetch(`${outputs['url']}/readyz`)).status).toBe(200)
  expect(outputs['objects-url']).toBe(env['AWS_ENDPOINT_URL_S3'])
})

it('fails with the message of the gateway if an input is wrong', async () => {
  await expect(runAction({ buckets: 'No_Bucket', package: project.tarball })).rejects.toThrow(
    /::error .*did not start[\s\S]*A bucket name has 3 to 63 characters/,
  )
})

it('fails if the job has credentials of a real bucket', async () => {
  const env = { AWS_PROFILE: 'production' }
  await expect(runAction({ package: project.tarball }, env)).rejects.toThrow(
    /::error .*real bucket: AWS_PROFILE\. Remove them from env\./,
  )
})
