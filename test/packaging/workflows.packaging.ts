/** The workflows cannot run without GitHub. actionlint checks their syntax, expressions and job graphs. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '../..')
const actionlint = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12'
const below = (folder: string): string[] => readdirSync(join(root, folder)).map((name) => join(folder, name))

const workflows = ['.github/workflows', 'examples/testing/github-actions'].flatMap(below)

const lint = (args: readonly string[], input?: string) =>
  spawnSync('go', ['run', actionlint, '-shellcheck=', '-pyflakes=', '-no-color', ...args], {
    cwd: root,
    encoding: 'utf8',
    ...(input !== undefined && { input }),
  })

it('the workflows of this repository and those of the examples are valid', () => {
  const { status, stdout, stderr } = lint(workflows)
  expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: '' })
})

it('an invalid expression in a workflow is reported', () => {
  const workflow = `on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: echo \${{ matrix.os }}
`
  const { status, stdout } = lint(['-'], workflow)
  expect(status).toBe(1)
  expect(stdout).toContain('property "os" is not defined')
})

it('the workflows pass only inputs that the action has', () => {
  type Workflow = { jobs: Record<string, { steps: { uses?: string; with?: Record<string, string> }[] }> }
  const read = (file: string): unknown => parse(readFileSync(join(root, file), 'utf8'))
  const { inputs } = read('action.yml') as { inputs: Record<string, object> }
  const steps = workflows
    .flatMap((file) => Object.values((read(file) as Workflow).jobs))
    .flatMap((job) => job.steps)
    .filter(({ uses = '' }) => uses === './' || uses.startsWith('postern/'))
  expect(steps).toHaveLength(2)
  for (const step of steps) expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(step.with ?? {})))
})
