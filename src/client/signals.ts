/** Aborts with the first of the two. Safari has `AbortSignal.any` since 17.4 only. */
export function anySignal(...signals: [AbortSignal, AbortSignal]): AbortSignal {
  const first = new AbortController()
  for (const signal of signals) {
    if (signal.aborted) first.abort(signal.reason)
    else signal.addEventListener('abort', () => first.abort(signal.reason), { signal: first.signal })
  }
  return first.signal
}
