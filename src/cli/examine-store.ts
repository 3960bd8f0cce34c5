/**
 * The checks of `postern doctor` that write to the store: directly to the bucket, and through the endpoint that
 * browsers use.
 */
import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { bucketChecks, endpointChecks, hiddenBucketChecks } from '../doctor/bucket/bucket-checks.ts'
import { createStoreProbe, type StoreProbe, type StoreTarget } from '../doctor/bucket/store-probe.ts'
import { reason, runChecks, type Check, type Result } from '../doctor/check.ts'
import { applyCors } from '../doctor/bucket/cors-rules.ts'
import { openOwnEndpoint, type OwnEndpoint } from './doctor-endpoint.ts'
import { bucketTarget, endpointTarget, type Endpoints } from './doctor-store.ts'
import { registrationOf } from '../drivers/registry.ts'

export type DiagnoseOptions = {
  /** Origins of the pages that upload. */
  origins: readonly string[]
  /** Sets the bucket's CORS rules if they do not allow those pages. */
  fix: boolean
  report: (result: Result) => void
  signal?: AbortSignal
  now?: () => Date
}

/** `left` are keys that were or may have been written to the store and could not be deleted. */
export type Diagnosis = { results: Result[]; left: string[] }

type Server = {
  secrets: Secrets
  /** Whether the server runs. Otherwise the objects endpoint is started here for the duration of the checks. */
  running: boolean
  endpoints: Endpoints
}

export async function examineStore(config: Config, server: Server, o: DiagnoseOptions): Promise<Diagnosis> {
  const { origins } = o
  const asked = { origins, now: o.now ?? (() => new Date()) }
  const { delivery, driver } = config.storage
  const inBucket = (checks: readonly Check<StoreProbe>[]): Promise<Diagnosis> =>
    examine(
      'bucket',
      () => bucketTarget(config, asked),
      (probe) => checked('bucket', checks, probe, o),
      o,
    )
  const atOwnEndpoint = (group: string, checks: readonly Check<StoreProbe>[], before: readonly Result[]) =>
    withEndpoint(config, server, group, o, (at) =>
      examine(
        group,
        async () => endpointTarget(config, server.secrets, at, asked),
        (probe) => runChecks(group, checks, probe, { ...o, before }),
        o,
      ),
    )

  if (!registrationOf(driver).doctorChecks) return atOwnEndpoint('bucket', bucketChecks(origins), [])
  if (delivery === 'direct') return inBucket(bucketChecks(origins))
  // Browsers never reach the bucket here. Its CORS rules do not matter, and the gateway's endpoint enforces the URLs.
  const bucket = await inBucket(hiddenBucketChecks)
  const isKnown = bucket.results.every(({ check }) => check !== 'store')
  if (!isKnown || o.signal?.aborted) return bucket
  const endpoint = await atOwnEndpoint('endpoint', endpointChecks(origins), bucket.results)
  return { results: [...bucket.results, ...endpoint.results], left: [...bucket.left, ...endpoint.left] }
}

/** The running endpoint, or one started here. */
async function withEndpoint(
  config: Config,
  { secrets, running, endpoints }: Server,
  group: string,
  o: DiagnoseOptions,
  work: (at: Endpoints) => Promise<Diagnosis>,
): Promise<Diagnosis> {
  if (running) return work(endpoints)
  let own: OwnEndpoint
  try {
    own = await openOwnEndpoint(config, secrets)
  } catch (error) {
    return { results: [reported(o, notOpened(group, error))], left: [] }
  }
  try {
    return await work({ ...endpoints, endpoint: own.url, publicEndpoint: own.url })
  } finally {
    await own.close()
  }
}

async function examine(
  group: string,
  target: () => Promise<StoreTarget>,
  work: (probe: StoreProbe) => Promise<Result[]>,
  o: DiagnoseOptions,
): Promise<Diagnosis> {
  let probe: StoreProbe
  try {
    probe = createStoreProbe(await target(), o)
  } catch (error) {
    return { results: [reported(o, notOpened(group, error))], left: [] }
  }
  let results: Result[]
  try {
    results = await work(probe)
  } catch (error) {
    await probe.cleanUp()
    throw error
  }
  return { results, left: await probe.cleanUp() }
}

async function checked(
  group: string,
  checks: readonly Check<StoreProbe>[],
  probe: StoreProbe,
  o: DiagnoseOptions,
): Promise<Result[]> {
  const results = await runChecks(group, checks, probe, o)
  const lacking = results.filter(({ check, outcome }) => check.startsWith('cors:') && outcome === 'failed')
  if (!o.fix || lacking.length === 0 || o.signal?.aborted) return results
  const applied = await runChecks(group, [{ name: 'cors-fix', run: applyCors }], probe, o)
  if (applied[0]?.outcome !== 'ok') return [...results, ...applied]
  // Run the checks again after the fix, because the store's behaviour decides.
  const again = checks
    .filter(({ name }) => lacking.some(({ check }) => check === name))
    .map(({ needs: _needs, ...check }) => check)
  const after = await runChecks(group, again, probe, o)
  const others = results.filter(({ check }) => !after.some((result) => result.check === check))
  return [...others, ...applied, ...after]
}

const notOpened = (group: string, error: unknown): Result => ({
  group,
  check: 'store',
  outcome: 'failed',
  message: reason(error),
  fix: 'Fix this and run the command again.',
})

function reported(o: DiagnoseOptions, result: Result): Result {
  o.report(result)
  return result
}
