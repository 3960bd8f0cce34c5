import type { Call } from '../deps.ts'

/** Metrics for Prometheus. */
export async function showMetrics({ ctx, deps }: Call): Promise<void> {
  const { contentType, text } = await deps.metrics.expose()
  ctx.set('content-type', contentType)
  ctx.body = text
}
