/**
 * Checks in the background whether this process can accept uploads. `/readyz` and the routes that issue upload URLs
 * read the last finding, so a store that never answers does not delay requests.
 */
import { isStorageError, type StorageErrorCode } from '../../errors.ts'
import type { ServiceDeps } from '../deps.ts'

export type Finding =
  | { ready: true; checkedAt: Date }
  | {
      ready: false
      checkedAt: Date
      code: Extract<StorageErrorCode, 'Unavailable' | 'InsufficientStorage'>
      /** For any client. Contains no path, host or setting. */
      summary: string
      /** For the operator. Appears in the log and in responses on loopback. */
      reason: string
    }

export type Readiness = {
  /** Checks repeatedly until `stop`. The timer does not keep the process alive. */
  start(): void
  /** Resolves when the running check has finished, after `patience` at the latest. */
  stop(): Promise<void>
  /** Resolves to the last finding while it is fresh. Otherwise checks again, which takes `patience` at most. */
  read(): Promise<Finding>
}

/** A dependency that must work. `name` is its name in messages. */
export type Part = { name: string; check: () => Promise<void> }

type Failure = Pick<Extract<Finding, { ready: false }>, 'code' | 'summary' | 'reason'>

type Options = {
  log: ServiceDeps['log']
  now: () => Date
  /** Milliseconds between two checks, while ready and while not ready. */
  interval?: { ready: number; failing: number }
  /** Milliseconds in which a part must answer. */
  patience?: number
}

/** A fault is reported within one interval plus one patience, in less than 10 s. */
const usual = { interval: { ready: 5000, failing: 2000 }, patience: 3000 }

export function createReadiness(parts: readonly Part[], o: Options): Readiness {
  const { ready: pause, failing } = o.interval ?? usual.interval
  const patience = o.patience ?? usual.patience
  const watched = parts.map((part) => watch(part, patience))
  let last: { finding: Finding; at: number } | null = null
  let looking: Promise<Finding> | null = null
  let timer: NodeJS.Timeout | undefined
  let started = false

  async function look(): Promise<Finding> {
    const failures = await Promise.all(watched.map((check) => check()))
    const failure = failures.find((one) => one !== null)
    const checkedAt = o.now()
    const finding: Finding = failure ? { ready: false, checkedAt, ...failure } : { ready: true, checkedAt }
    report(finding, last?.finding ?? null)
    last = { finding, at: performance.now() }
    return finding
  }

  function report(finding: Finding, before: Finding | null): void {
    if (finding.ready) {
      if (before?.ready === false) o.log.info('ready again: uploads are accepted')
    } else if (before === null || before.ready || before.reason !== finding.reason) {
      o.log.error({ code: finding.code }, `not ready, no upload URLs are issued: ${finding.reason}`)
    }
  }

  const shared = (): Promise<Finding> => (looking ??= look().finally(() => (looking = null)))

  async function pass(): Promise<void> {
    const { ready } = await shared()
    if (started) timer = setTimeout(() => void pass(), ready ? pause : failing).unref()
  }

  return {
    start() {
      if (started) return
      started = true
      void pass()
    },
    async stop() {
      started = false
      clearTimeout(timer)
      await looking
    },
    async read() {
      if (last === null) return shared()
      // While checks run, a finding is fresh until the next check is overdue. A late timer must not extend it.
      const fresh = started ? pause + 2 * patience : last.finding.ready ? pause : failing
      return performance.now() - last.at < fresh ? last.finding : shared()
    },
  }
}

/** Starts no second check while one is running. Otherwise requests to a store that hangs would pile up. */
function watch({ name, check }: Part, patience: number): () => Promise<Failure | null> {
  let running: { since: number; outcome: Promise<Failure | null> } | null = null
  return async () => {
    running ??= begin()
    const { outcome, since } = running
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<Failure>((resolve) => {
      const left = Math.max(0, since + patience - performance.now())
      timer = setTimeout(() => resolve(unanswered(name)), left)
    })
    const failure = await Promise.race([outcome, late])
    clearTimeout(timer)
    return failure
  }

  function begin(): NonNullable<typeof running> {
    const outcome = check()
      .then(
        () => null,
        (error: unknown) => failed(name, error),
      )
      .finally(() => (running = null))
    return { since: performance.now(), outcome }
  }
}

const unanswered = (name: string): Failure => {
  const summary = `The ${name} does not answer.`
  return { code: 'Unavailable', summary, reason: summary }
}

function failed(name: string, error: unknown): Failure {
  const reason = reasonOf(error)
  return isStorageError(error, 'InsufficientStorage')
    ? { code: 'InsufficientStorage', summary: `The ${name} has too little free space.`, reason }
    : { code: 'Unavailable', summary: `The ${name} cannot be used now.`, reason }
}

/** The error's message, with the message of its cause in parentheses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause, message } = error
  return cause instanceof Error && cause.message !== '' && !message.includes(cause.message)
    ? `${message} (${cause.message})`
    : message
}
