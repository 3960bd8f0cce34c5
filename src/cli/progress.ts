/** Progress of a long command on stderr: a bar on a terminal, otherwise a line every 5 s. */
const lineEvery = 5000
const barEvery = 100
const width = 24

export type Progress = {
  /** 0 if unknown. */
  total(total: number): void
  add(by: number): void
  end(): void
}

/** `1 blob`, `2 blobs`. */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** `show` formats an amount, e.g. bytes as `1.2 GiB`. */
export function startProgress(label: string, show: (amount: number) => string): Progress {
  const { stderr } = process
  const state = { done: 0, total: 0 }
  const startedAt = performance.now()
  const text = (): string => {
    const { done, total } = state
    if (total === 0) return `${label}: ${show(done)}`
    const share = Math.min(1, done / total)
    const full = Math.round(share * width)
    const bar = stderr.isTTY ? ` [${'#'.repeat(full)}${'-'.repeat(width - full)}]` : ''
    return `${label}:${bar} ${Math.floor(share * 100)} % (${show(done)} of ${show(total)})${timeLeft(share, performance.now() - startedAt)}`
  }
  let shown = false
  const timer = setInterval(
    () => {
      shown = true
      stderr.write(stderr.isTTY ? `\r\x1b[K${text()}` : `${text()}\n`)
    },
    stderr.isTTY ? barEvery : lineEvery,
  ).unref()
  return {
    total(total) {
      state.total = total
    },
    add(by) {
      state.done += by
    },
    end() {
      clearInterval(timer)
      if (shown && stderr.isTTY) stderr.write('\r\x1b[K')
    },
  }
}

/** Estimated from the average rate, once there is enough data. */
export function timeLeft(share: number, elapsed: number): string {
  if (share <= 0 || share >= 1 || elapsed < 2000) return ''
  const seconds = Math.ceil((elapsed * (1 / share - 1)) / 1000)
  if (seconds < 120) return `, ${seconds} s left`
  return seconds < 7200 ? `, ${Math.round(seconds / 60)} min left` : `, ${Math.round(seconds / 3600)} h left`
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** `3 bytes`, `1.2 GiB`. */
export function showBytes(bytes: number): string {
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10))
  return step === 0 ? plural(bytes, 'byte') : `${(bytes / 1024 ** step).toFixed(1)} ${units[step]}`
}
