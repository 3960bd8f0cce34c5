import { useEffect, useState } from 'react'

/** The current time, updated every `every` milliseconds. One clock for a whole list. */
export function useNow(every: number): Date {
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), every)
    return () => clearInterval(timer)
  }, [every])
  return now
}
