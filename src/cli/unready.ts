/** Explains why the store is unusable at startup, with the message of the failing `postern doctor` check. */
import type { Config } from '../config/config.ts'
import { registrationOf } from '../drivers/registry.ts'

export type Problem = { message: string; fix?: string }

/** Milliseconds for one request to the bucket, and for all of them. */
const timeouts = { request: 3000, all: 15_000 }

/** `reason` is the readiness check's finding, used if no bucket check fails. */
export async function explainUnready(config: Config, reason: string): Promise<Problem[]> {
  if (!registrationOf(config.storage.driver).doctorChecks) return [{ message: reason }]
  const [{ bucketTarget }, { startChecks }, { createStoreProbe }, { runChecks }] = await Promise.all([
    import('./doctor-store.ts'),
    import('../doctor/bucket/bucket-checks.ts'),
    import('../doctor/bucket/store-probe.ts'),
    import('../doctor/check.ts'),
  ])
  try {
    const o = { signal: AbortSignal.timeout(timeouts.all), patience: timeouts.request }
    const probe = createStoreProbe(await bucketTarget(config, { origins: [], now: () => new Date() }), o)
    const results = await runChecks('bucket', startChecks, probe, o)
    await probe.cleanUp()
    const failed = results.filter(({ outcome }) => outcome === 'failed')
    return failed.length === 0
      ? [{ message: reason }]
      : failed.map(({ message, fix }) => ({ message, ...(fix && { fix }) }))
  } catch {
    // No credentials, or a bucket that doctor cannot check.
    return [{ message: reason }]
  }
}
