/**
 * The start of `serve` with a database on the network that does not answer: it says so once, answers 503 meanwhile, and
 * tries again until the database answers or the server is stopped.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDatabaseAway } from '../catalog/postgres-error.ts'
import { allOrErrors } from '../cluster/share-port.ts'
import type { Config, ListenAddress } from '../config/config.ts'
import { servesObjects } from '../config/serves-objects.ts'
import { newRequestId } from '../http/request-id.ts'
import type { Logger } from '../log.ts'
import { listenFailure } from './listen-failure.ts'

type StandIn = { close(): Promise<void> }

/** Milliseconds: until the ports answer without a database, and between two attempts. */
const patience = 3000
const retryEvery = 2000
const retryAfter = '5'

type Options = {
  config: Config
  log: Logger
  /** Resolves when the server is to stop. */
  stopped: Promise<unknown>
  reusePort: (at: ListenAddress) => boolean
}

/** `open` may be called again. Null where `stopped` resolves first. Errors: those of `open` that waiting does not heal. */
export async function awaitDatabase<T>(open: () => Promise<T>, o: Options): Promise<T | null> {
  if (!/^postgres(ql)?:/.test(o.config.database.url)) return open()
  const stopped = o.stopped.then((): Outcome<T> => ({ is: 'stopped' }))
  let standIn: StandIn | null = null
  try {
    for (;;) {
      const opening = attempt(open)
      let outcome = await Promise.race([opening, stopped, sleep(patience, late, { ref: false })])
      if (outcome.is === 'away' && standIn === null) {
        standIn = await listenMeanwhile(o)
        o.log.error({}, sentence(o.config.database.url, outcome.reason))
      }
      if (outcome === late) outcome = await Promise.race([opening, stopped])
      if (outcome.is === 'stopped') return null
      if (outcome.is === 'opened') {
        if (standIn !== null) o.log.info({}, 'the database answers again, so startup continues')
        return outcome.opened
      }
      await Promise.race([sleep(retryEvery), stopped])
    }
  } finally {
    await standIn?.close()
  }
}

type Outcome<T> = { is: 'opened'; opened: T } | { is: 'away'; reason: string } | { is: 'stopped' }

const late = { is: 'away', reason: 'no answer' } as const

async function attempt<T>(open: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { is: 'opened', opened: await open() }
  } catch (error) {
    if (!isDatabaseAway(error)) throw error
    return { is: 'away', reason: String((error.cause as NodeJS.ErrnoException).code ?? 'no answer') }
  }
}

/** Without user and password. */
function sentence(url: string, reason: string): string {
  const { host } = new URL(url)
  return (
    `not ready: the database at ${host} does not answer (${reason}). Check that it runs and accepts connections from ` +
    'here, or correct database.url. The start is retried every 2 s; /readyz is 503 until it succeeds.'
  )
}

const message = 'The server is starting: its database does not answer yet.'

/** The ports of the server: /healthz is 200, because a restart would not help; everything else is 503. */
async function listenMeanwhile({ config, log, reusePort }: Options): Promise<StandIn> {
  const [{ createServer }, { plainProblem }, { plainAnswer }, { errorBody, hostId }] = await Promise.all([
    import('../http/server.ts'),
    import('../api/plain-problem.ts'),
    import('../s3/plain-answer.ts'),
    import('../s3/error-response.ts'),
  ])
  const { shutdownTimeout, listen } = config.server
  const api = createServer(
    (req, res) => {
      const requestId = newRequestId()
      res.setHeader('x-request-id', requestId).setHeader('cache-control', 'no-store')
      if (/^\/healthz(\?|$)/.test(req.url ?? '')) {
        return void res.setHeader('content-type', 'application/json').end('{"status":"ok"}')
      }
      const [status, code] = [503, 'Unavailable']
      const type = `urn:postern:problem:${code}`
      res.writeHead(status, { 'content-type': 'application/problem+json', 'retry-after': retryAfter })
      res.end(JSON.stringify({ type, title: code, status, detail: message, code, requestId, error: message }))
    },
    { plainAnswer: plainProblem, log, shutdownTimeout },
  )
  const objects = createServer(
    (_, res) => {
      const requestId = newRequestId()
      res.setHeader('x-amz-request-id', requestId).setHeader('x-amz-id-2', hostId)
      res.writeHead(503, { 'content-type': 'application/xml', 'retry-after': retryAfter })
      const answer = { code: 'ServiceUnavailable', status: 503, message, details: {} }
      res.end(errorBody(answer, { resource: '/', requestId }))
    },
    { plainAnswer, log, shutdownTimeout },
  )
  const close = async (): Promise<void> => void (await Promise.all([api.close(), objects.close()]))
  try {
    const own = config.objects.listen
    await allOrErrors([
      api.listen({ ...listen, reusePort: reusePort(listen) }),
      ...(servesObjects(config) && own !== 'shared' ? [objects.listen({ ...own, reusePort: reusePort(own) })] : []),
    ])
    return { close }
  } catch (error) {
    await close()
    throw listenFailure(error, config)
  }
}
