/**
 * The step of action.yml. Starts `postern exec` in the background and exports the variables that its command gets, so
 * that the steps after this one are its command. The runner ends the gateway with the job.
 */
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const { INPUT_BUCKETS = '', INPUT_LOAD = '', INPUT_PACKAGE = 'postern' } = process.env
const { RUNNER_TEMP, GITHUB_ENV, GITHUB_OUTPUT } = process.env
const variablesFile = join(RUNNER_TEMP, 'postern-variables.json')
const log = join(RUNNER_TEMP, 'postern.log')
/** Milliseconds. The package may have to be downloaded. */
const patience = 5 * 60_000

function fail(message) {
  console.log(`::error title=Postern::${message}`)
  if (existsSync(log)) console.log(readFileSync(log, 'utf8'))
  if (ended === null) process.kill(process.platform === 'win32' ? gateway.pid : -gateway.pid)
  process.exit(1)
}

const buckets = INPUT_BUCKETS.split(/\s+/).filter(Boolean)
const options = [...buckets.flatMap((name) => ['--bucket', name]), ...(INPUT_LOAD ? ['--load', INPUT_LOAD] : [])]
const command = ['node', join(import.meta.dirname, 'export-variables.js'), variablesFile]
const args = ['exec', '--yes', '--package', INPUT_PACKAGE, '--', 'postern', 'exec', ...options, '--', ...command]
rmSync(variablesFile, { force: true })
const output = openSync(log, 'w')
const gateway = spawn('npm', args, {
  detached: true,
  stdio: ['ignore', output, output],
  shell: process.platform === 'win32',
})
let ended = null
gateway.once('error', (error) => (ended = error.message))
gateway.once('exit', (code) => (ended = `exit code ${code}`))

for (const begun = Date.now(); !existsSync(variablesFile); await sleep(100)) {
  if (ended !== null) fail(`The gateway did not start (${ended}).`)
  if (Date.now() - begun > patience) fail('The gateway did not start within 5 minutes.')
}
gateway.unref()

const variables = JSON.parse(readFileSync(variablesFile, 'utf8'))
// `postern exec` hides these from its command. An action can set variables of later steps, but not remove them.
const dangerous = Object.keys(process.env).filter((name) => name.startsWith('AWS_') && !(name in variables))
if (dangerous.length > 0) {
  fail(`These variables could lead the tests to a real bucket: ${dangerous.join(', ')}. Remove them from env.`)
}
const changed = Object.entries(variables).filter(([name, value]) => process.env[name] !== value)
appendFileSync(GITHUB_ENV, changed.map(([name, value]) => `${name}=${value}\n`).join(''))
appendFileSync(GITHUB_OUTPUT, `url=${variables.POSTERN_URL}\nobjects-url=${variables.AWS_ENDPOINT_URL_S3}\n`)
console.log(`gateway ${gateway.pid}`)
console.log(`S3 endpoint ${variables.AWS_ENDPOINT_URL_S3}, JSON API ${variables.POSTERN_URL}`)
