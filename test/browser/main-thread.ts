/** What a page's main thread did, task by task, measured by the processor time that each took. */
import type { CDPSession, Page } from 'playwright-core'

type TraceEvent = { name: string; ph: string; pid: number; tid: number; tdur?: number; args?: { name?: string } }

export type MainThread = {
  /** Milliseconds of processor time of the tasks of the renderers' main threads, longest first. */
  tasks(): Promise<number[]>
}

/**
 * Processor time, not time on the clock: a machine that has other work makes tasks last, and not longer. Only one
 * recording can run in a browser.
 */
export async function recordMainThread(page: Page): Promise<MainThread> {
  const browser = page.context().browser()!
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
  return {
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

/** Bytes that scripts hold after a collection of what nobody needs: objects and the buffers beside them. */
export function heapMeter(devtools: CDPSession): () => Promise<number> {
  return async () => {
    await devtools.send('HeapProfiler.collectGarbage')
    const { usedSize, backingStorageSize } = await devtools.send('Runtime.getHeapUsage')
    return usedSize + backingStorageSize
  }
}
