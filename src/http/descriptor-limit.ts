/** How many files and connections the system lets this process have open, and what to say when that is not enough. */
import { readFileSync } from 'node:fs'
import type { Logger } from '../log.ts'

/** Descriptors that are no connection: databases, logs, threads, connections to the bucket. */
const reserve = 256
/** A connection, and the file that it reads or writes. */
const perConnection = 2

export const descriptorFix =
  'Raise the limit: LimitNOFILE=65536 in the systemd unit, --ulimit nofile=65536:65536 for a container, ' +
  'or ulimit -n 65536 in the shell that starts the server'

/** Null where there is none, or the system does not say. Node itself raises the soft limit to the hard one. */
export function descriptorLimit(): number | null {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined || soft === 'unlimited' ? null : Number(soft)
  } catch {
    return limitFromReport()
  }
}

function limitFromReport(): number | null {
  if (process.platform === 'win32') return null
  // Without it the report resolves the name of every peer.
  Object.assign(process.report, { excludeNetwork: true })
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : null
}

/** Connections that this process can have open: `wanted`, or fewer where its descriptors do not suffice. */
export function affordableConnections(wanted: number, descriptors: number | null): number {
  if (descriptors === null) return wanted
  return Math.max(1, Math.min(wanted, Math.floor((descriptors - Math.min(reserve, descriptors / 2)) / perConnection)))
}

/** The limit of one process, with a warning where it is below the setting. */
export function connectionsHere(
  wanted: number,
  { log, descriptors = descriptorLimit() }: { log: Pick<Logger, 'warn'>; descriptors?: number | null },
): number {
  const connections = affordableConnections(wanted, descriptors)
  if (connections < wanted) {
    log.warn(
      { 'limits.connections': wanted, connections, descriptors },
      `limits.connections is ${wanted}, and this process may open ${descriptors} files: it takes ${connections} connections. ` +
        `${descriptorFix}; or set limits.connections to ${connections}`,
    )
  }
  return connections
}

const exhausted = new Set(['EMFILE', 'ENFILE'])

/** Sees what is logged, and logs once that descriptors ran out, with the fix, whatever was to be opened. */
export function createExhaustionReport(limit = descriptorLimit): (log: Pick<Logger, 'error'>, entry: unknown) => void {
  let isReported = false
  return (log, entry) => {
    if (isReported || !isExhaustion(errorIn(entry))) return
    isReported = true
    log.error({ descriptors: limit() }, `too many files are open (this line is logged once). ${descriptorFix}`)
  }
}

const errorIn = (entry: unknown): unknown =>
  entry !== null && typeof entry === 'object' && 'err' in entry ? entry.err : entry

function isExhaustion(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && exhausted.has(String(cause.code))) return true
  return false
}
