/**
 * `npm test`: builds the page, runs every suite that needs nothing but this checkout, and says aloud what it left out.
 * `npm run test:store`: the suites that need a real S3 store (S3_TEST_ENDPOINT and its keys).
 * `npm run test:cluster`: those that need PostgreSQL and Redis; `-- --minutes 10` makes the load last so long.
 * Arguments are handed to vitest.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { findChromium } from '../test/fixtures/chromium.ts'
import { findPostgres } from '../test/fixtures/postgres.ts'
import { findRedis } from '../test/fixtures/redis.ts'

const require = createRequire(import.meta.url)
const root = join(import.meta.dirname, '..')
const storeSuites = 'test/**/*-rgw.test.ts'
const browserSuites = 'test/browser/**'
const clusterSuites = 'test/cluster/**'
/** They stop the server. */
const ownPostgresSuites = ['test/cluster/outages-pg.test.ts', 'test/cluster/two-instances-pg.test.ts']
const redisSuites = ['test/cluster/*-redis.test.ts', 'test/cluster/two-instances-pg.test.ts']

const args = process.argv.slice(2)
const needsStore = args[0] === '--store'
const needsCluster = args[0] === '--cluster'
if (needsStore || needsCluster) args.shift()
const minutes = needsCluster ? args.indexOf('--minutes') : -1
if (minutes >= 0) process.env['TEST_CLUSTER_MINUTES'] = args.splice(minutes, 2)[1]

const missing: string[] = []
const exclude: string[] = []
if (needsStore && !process.env['S3_TEST_ENDPOINT']) {
  console.error('test:store needs a store: set S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID and S3_TEST_SECRET_ACCESS_KEY.')
  process.exit(2)
}
if (!needsStore) exclude.push(storeSuites)
if (needsCluster) leaveOutCluster()
else exclude.push(clusterSuites)
if (!needsCluster && !(await findChromium())) {
  exclude.push(browserSuites)
  missing.push('the browser suites: no Chromium was found. Install one, or set CHROMIUM_PATH.')
}

function leaveOutCluster(): void {
  if (findPostgres() === null) {
    const given = Boolean(process.env['TEST_DATABASE_URL'])
    exclude.push(...(given ? ownPostgresSuites : ['test/cluster/*-pg.test.ts']))
    missing.push(
      'suites over PostgreSQL: no initdb was found. Install PostgreSQL; TEST_DATABASE_URL is enough for some.',
    )
  }
  if (!findRedis()) {
    exclude.push(...redisSuites)
    missing.push('suites over Redis: no redis-server was found. Install it.')
  }
}

function run(packageName: string, bin: string, more: string[]): number {
  const script = join(dirname(require.resolve(`${packageName}/package.json`)), bin)
  return spawnSync(process.execPath, [script, ...more], { cwd: root, stdio: 'inherit' }).status ?? 1
}

const built = run('vite', 'bin/vite.js', ['build', '--config', 'src/console/vite.config.ts', '--logLevel', 'warn'])
if (built !== 0) process.exit(built)

const kind = needsStore ? 'store' : needsCluster ? 'cluster' : 'test'
const report = join(root, 'coverage', `${kind}-report.json`)
rmSync(report, { force: true })
const status = run('vitest', 'vitest.mjs', [
  'run',
  ...(args.length > 0 ? args : needsStore ? ['rgw.test.ts'] : needsCluster ? ['test/cluster/'] : []),
  ...exclude.flatMap((pattern) => ['--exclude', pattern]),
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
])

type Report = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numFailedTestSuites: number
}
if (!existsSync(report)) {
  console.error('vitest ended before it ran a test; see above.')
  process.exit(status || 1)
}
const counts = JSON.parse(readFileSync(report, 'utf8')) as Report
const left = counts.numPendingTests + counts.numTodoTests
if (left > 0) missing.push(`${left} tests that are marked as skipped`)
for (const reason of missing) console.error(`NOT RUN: ${reason}`)
console.log(
  `${counts.numPassedTests} passed, ${counts.numFailedTests} failed${missing.length > 0 ? `, ${missing.length} kinds not run` : ''}`,
)

if (status !== 0) process.exit(status)
if (missing.length > 0 && process.env['CI'] === 'true') {
  console.error('In CI everything must run.')
  process.exit(1)
}
