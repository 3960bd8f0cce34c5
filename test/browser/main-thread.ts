/** Measures the tasks of a page's main thread and the memory of its scripts. Only Chromium supports this. */
import type { Page } from 'playwright-core'

type TraceEvent = { name: string; ph: string; pid: number; tid: number; tdur?: number; args?: { name?: string } }

export type Measurements = {
  /** Bytes that scripts hold after a garbage collection, including array buffers. */
  heap(): Promise<number>
  /** Ends the recording. Milliseconds of processor time of the tasks of the renderers' main threads, longest first. */
  tasks(): Promise<number[]>
}

/**
 * Processor time, not time on the clock: a machine that has other work makes tasks last, and not longer. Only one
 * recording can run in a browser.
 */
export async function measure(page: Page): Promise<Measurements> {
  const browser = page.context().browser()!
  const devtools = await page.context().newCDPSession(page)
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
  return {
    async heap() {
      await devtools.send('HeapProfiler.collectGarbage')
      const { usedSize, backingStorageSize } = await devtools.send('Runtime.getHeapUsage')
      return usedSize + backingStorageSize
    },
    async tasks() {
      const trace = await browser.stopTracing()
      const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] }
      const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`
      const main = new Set(
        traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(threadOf),
      )
      return traceEvents
        .filter((event) => event.ph === 'X' && event.tdur !== undefined && main.has(threadOf(event)))
        .map(({ tdur }) => tdur! / 1000)
        .toSorted((a, b) => b - a)
    },
  }
}
