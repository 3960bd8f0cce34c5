/**
 * `npm test`: builds the console and runs the quick suites: no browser, no killed processes, no other programs.
 * `npm run test:slow`: the other suites that need only this checkout, and Chromium. Reports what it left out.
 * `npm run test:all`: both.
 * `npm run test:store`: the suites that need a real S3 store (S3_TEST_ENDPOINT and its keys).
 * `npm run test:cluster`: those that need PostgreSQL and Redis; `-- --minutes 10` makes the load last so long.
 * `npm run test:own`: the browser suites against our own endpoint as the bucket of the s3 driver.
 * Arguments are handed to vitest.
 */
import { findChromium } from '../test/fixtures/chromium.ts'
import { findPostgres } from '../test/fixtures/postgres.ts'
import { findRedis } from '../test/fixtures/redis.ts'
import { runBin, runSuite } from './run-suite.ts'

const storeSuites = 'test/**/*-rgw.test.ts'
const browserSuites = 'test/browser/'
/** The browser suites of the stores once more: minutes, and what they prove is proved on a real store too. */
const ownSuites = 'test/browser/*-s3-own.test.ts'
const clusterSuites = 'test/cluster/**'
/**
 * They start processes, kill them, search at random, wait for real time limits, or repeat a quick suite in another setting.
 * Parts of paths.
 */
const slowSuites = [
  'test/cli/',
  'test/fuzz/',
  'test/migrate/',
  'test/model/',
  'test/workers/',
  'crash.test.ts',
  'bucket-faults.test.ts',
  'descriptor-limit.test.ts',
  'disk-busy-start.test.ts',
  'disk-log-follows.test.ts',
  'disk-streaming.test.ts',
  'key-rotation.test.ts',
  'mounted.test.ts',
  'readiness-stalls.test.ts',
  'replaced-bytes.test.ts',
  'review-redis.test.ts',
  's3-own.test.ts',
  's3-stalls.test.ts',
  'mutation.test.ts',
]
const asGlob = (part: string): string => (part.endsWith('/') ? `${part}**` : `test/**/*${part}`)
/** They stop the server. */
const ownPostgresSuites = ['test/cluster/outages-pg.test.ts', 'test/cluster/two-instances-pg.test.ts']
const redisSuites = ['test/cluster/*-redis.test.ts', 'test/cluster/two-instances-pg.test.ts']

const args = process.argv.slice(2)
const needsStore = args[0] === '--store'
const wantsOwn = args[0] === '--own'
const needsCluster = args[0] === '--cluster'
const wantsAll = args[0] === '--all'
const wantsSlow = args[0] === '--slow'
if (needsStore || needsCluster || wantsOwn || wantsAll || wantsSlow) args.shift()
/** `npm test` without arguments. Files that are named run, whatever they take. */
const isQuick = !needsStore && !needsCluster && !wantsOwn && !wantsAll && !wantsSlow && args.length === 0
const minutes = needsCluster ? args.indexOf('--minutes') : -1
if (minutes >= 0) process.env['TEST_CLUSTER_MINUTES'] = args.splice(minutes, 2)[1]

const missing: string[] = []
const exclude: string[] = []
if (needsStore && !process.env['S3_TEST_ENDPOINT']) {
  console.error('test:store needs a store: set S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID and S3_TEST_SECRET_ACCESS_KEY.')
  process.exit(2)
}
if (!needsStore) exclude.push(storeSuites)
if (!wantsOwn) exclude.push(ownSuites)
if (needsCluster) leaveOutCluster()
else exclude.push(clusterSuites)
if (isQuick) exclude.push(...[browserSuites, ...slowSuites].map(asGlob))
else if (!needsCluster && !(await findChromium())) {
  exclude.push(asGlob(browserSuites))
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

function suitesAsked(): string[] {
  if (needsStore) return ['rgw.test.ts']
  if (needsCluster) return ['test/cluster/']
  if (wantsSlow) return [browserSuites, ...slowSuites]
  return wantsOwn ? ['test/browser/client-s3-own.test.ts', 'test/browser/uppy-s3-own.test.ts'] : []
}

const built = runBin('vite', 'bin/vite.js', ['build', '--config', 'src/console/vite.config.ts', '--logLevel', 'warn'])
if (built !== 0) process.exit(built)
runSuite({
  name: needsStore ? 'store' : needsCluster ? 'cluster' : wantsOwn ? 'own' : wantsSlow ? 'slow' : 'test',
  args: args.length > 0 ? args : suitesAsked(),
  brief: isQuick,
  exclude,
  missing,
})
