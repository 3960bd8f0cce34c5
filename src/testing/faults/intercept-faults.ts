/** The interceptor of a gateway in test mode: it applies the fault rules and shows the test clock. */
import type { StorageDriver } from '../../drivers/driver.ts'
import { isStorageError } from '../../errors.ts'
import type { InterceptedRequest, Interceptor } from '../../http/intercept.ts'
import type { TestClock } from '../test-clock.ts'
import { act } from './act.ts'
import type { FaultRules } from './fault-rules.ts'
import { StaleAnswers } from './stale-answers.ts'

/** Test routes and the questions of probes. They always work. */
const spared = /^\/(?:_test|healthz|readyz|metrics)(?:\/|$)/

export function interceptFaults(o: { rules: FaultRules; clock: TestClock; store: StorageDriver }): {
  intercept: Interceptor
  clear: () => void
} {
  const stale = new StaleAnswers(() => o.clock.now().getTime())

  async function forgetUpload({ bucket, key, query }: InterceptedRequest): Promise<void> {
    const uploadId = query.get('uploadId')
    if (bucket === null || key === null || uploadId === undefined) return
    await o.store.abortMultipartUpload({ bucket, key }, uploadId).catch((cause: unknown) => {
      if (!isStorageError(cause, 'NoSuchUpload')) throw cause
    })
  }

  return {
    clear: () => stale.clear(),
    async intercept(request, run) {
      const { req, res, api } = request
      const skew = api === 'objects' ? o.rules.skew() : 0
      if (o.clock.isMoved || skew !== 0) {
        res.setHeader('date', new Date(o.clock.now().getTime() + skew).toUTCString())
      }
      const rule = spared.test(req.url ?? '') ? null : o.rules.decide(request)
      const watched = async (): Promise<void> => {
        await run()
        if (res.statusCode < 300) o.rules.succeeded(request)
      }
      await (rule === null ? watched() : act(rule, request, watched, { stale, forgetUpload }))
    },
  }
}
