/** The system's limit on open files and connections, and the fix when it is too low. */
import { readFileSync } from 'node:fs'
import type { Logger } from '../log.ts'

/** Descriptors reserved for databases, logs, threads and connections to the bucket. */
const reserve = 256
/** A connection and the file that it reads or writes. */
const descriptorsPerConnection = 2

export const descriptorFix =
  'Raise the limit: LimitNOFILE=65536 in the systemd unit, --ulimit nofile=65536:65536 for a container, ' +
  'or ulimit -n 65536 in the shell that starts the server'

/** null if there is no limit or the system does not report one. Node itself raises the soft limit to the hard limit. */
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
  // Without this option the report resolves the name of every peer.
  Object.assign(process.report, { excludeNetwork: true })
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : null
}

/** Number of connections this process can have open: `wanted`, or fewer if it has too few descriptors. */
export function connectionsFor(wanted: number, descriptors: number | null): number {
  if (descriptors === null) return wanted
  return Math.max(
    1,
    Math.min(wanted, Math.floor((descriptors - Math.min(reserve, descriptors / 2)) / descriptorsPerConnection)),
  )
}

/** The connection limit of one process. Warns if it is below the setting, or only logs it if the setting is the default. */
export function connectionsHere(
  wanted: number,
  {
    log,
    isDefault,
    descriptors = descriptorLimit(),
  }: { log: Pick<Logger, 'warn' | 'info'>; isDefault: boolean; descriptors?: number | null },
): number {
  const connections = connectionsFor(wanted, descriptors)
  if (connections < wanted) {
    log[isDefault ? 'info' : 'warn'](
      { 'limits.connections': wanted, connections, descriptors },
      `limits.connections is ${wanted}, but this process may open only ${descriptors} files, enough for ${connections} connections. ` +
        `${descriptorFix}, or set limits.connections to ${connections}`,
    )
  }
  return connections
}

const exhausted = new Set(['EMFILE', 'ENFILE'])

/** Watches the log and reports once that descriptors ran out, with the fix. */
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
