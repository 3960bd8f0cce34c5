/** Aborts with the first of two signals. Safari before 17.4 has no `AbortSignal.any`. */
export function anySignal(...signals: [AbortSignal, AbortSignal]): AbortSignal {
  const first = new AbortController()
  for (const signal of signals) {
    if (signal.aborted) first.abort(signal.reason)
    else signal.addEventListener('abort', () => first.abort(signal.reason), { signal: first.signal })
  }
  return first.signal
}
