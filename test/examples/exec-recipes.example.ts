/**
 * examples/testing: the tests of an application in five languages, run with `npx postern exec` of the packed package.
 */
import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, TestRunner } from 'vitest'
import { runNpm, runProgram } from '../fixtures/npm.ts'
import { limit } from '../fixtures/time-limit.ts'
import { makeServerProject, type EmptyProject } from './empty-project.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
/** Where the installers of Go and Rust put them. */
const path = [process.env['PATH'], '/usr/local/go/bin', join(homedir(), '.cargo', 'bin')].join(delimiter)

type Recipe = {
  name: string
  /** Succeeds if the language is installed. */
  probe: string[]
  /** Downloads what the project needs. */
  prepare: string[][]
  /** Run by `postern exec`. It needs no network. */
  command: string[]
  passed: RegExp
  /** Left out of the runs that are not asked for all recipes. */
  slow?: string
}

const python = join('.venv', process.platform === 'win32' ? 'Scripts' : 'bin', 'python')
const recipes: Recipe[] = [
  {
    name: 'pytest',
    probe: ['python3', '-c', 'import venv, ensurepip'],
    prepare: [
      ['python3', '-m', 'venv', '.venv'],
      [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'],
    ],
    command: [python, '-m', 'pytest', '-p', 'no:cacheprovider'],
    passed: /1 passed/,
  },
  {
    name: 'go',
    probe: ['go', 'version'],
    prepare: [['go', 'mod', 'download']],
    command: ['go', 'test', '-count=1', '-v', './...'],
    passed: /PASS: TestReadsWhatItWrote/,
  },
  {
    name: 'java',
    probe: ['mvn', '--version'],
    // Maven downloads the runner of the tests only when it runs one. Without a gateway the test fails at once.
    prepare: [['mvn', '-q', '-B', 'test', '-Dmaven.test.failure.ignore=true']],
    command: ['mvn', '-o', '-B', 'test'],
    passed: /Tests run: 1, Failures: 0, Errors: 0, Skipped: 0/,
  },
  {
    name: 'rust',
    probe: ['cargo', '--version'],
    prepare: [['cargo', 'build', '--tests', '--locked']],
    command: ['cargo', 'test', '--offline'],
    passed: /test reads_what_it_wrote \.\.\. ok/,
    slow: 'it compiles for minutes; npm run test:recipes runs it',
  },
  {
    name: 'vitest',
    probe: ['npm', '--version'],
    prepare: [['npm', 'ci', '--prefer-offline', '--no-audit', '--no-fund']],
    command: ['npx', '--offline', 'vitest', 'run', '--reporter=verbose'],
    passed: /1 passed/,
  },
]

/** Access to a network would fail here. */
const offline = { GOPROXY: 'off', HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' }

declare module 'vitest' {
  interface TaskMeta {
    /** Why this run leaves out the test. */
    leftOut?: string
  }
}

const works = ([command = '', ...args]: readonly string[]): Promise<boolean> =>
  run(command, args, { env: { ...process.env, PATH: path } }).then(
    () => true,
    () => false,
  )

describe('npx postern exec', () => {
  let project: EmptyProject
  beforeAll(async () => {
    project = await makeServerProject()
  })
  afterAll(() => project?.remove())

  it.each(recipes)('runs the $name recipe offline', { timeout: limit(900_000) }, async (recipe) => {
    const { task, skip } = TestRunner.getCurrentTest()!.context
    if (recipe.slow !== undefined && process.env['TEST_RECIPES'] !== 'all') {
      task.meta.leftOut = recipe.slow
      skip()
    }
    if (!(await works(recipe.probe))) skip(`${recipe.probe[0]} was not found`)
    const folder = join(project.folder, recipe.name)
    cpSync(join(root, 'examples', 'testing', recipe.name), folder, { recursive: true })
    const env = { PATH: path, AWS_EC2_METADATA_DISABLED: 'true' }
    for (const step of recipe.prepare) await runProgram(step, { cwd: folder, env })
    // npm looks for the package in the folder of the nearest package.json, which may be that of the recipe.
    const exec = ['exec', '--offline', '--prefix', project.folder, '--', 'postern', 'exec', '--bucket', 'uploads']
    const output = await runNpm([...exec, '--', ...recipe.command], { cwd: folder, env: { PATH: path, ...offline } })
    expect(output).toMatch(recipe.passed)
  })
})
