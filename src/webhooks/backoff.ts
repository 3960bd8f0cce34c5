/** Attempts before a delivery counts as failed. The last one is about two and a half days after the first. */
export const mostTries = 10

const first = 5
const factor = 4
const longest = 86_400

/**
 * Seconds until the next attempt: 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 5.7 h, 22.8 h, 24 h. Each is up to 20 % shorter
 * or longer, so that deliveries that failed together are not retried together.
 */
export const backoff = (tries: number, random: () => number = Math.random): number =>
  Math.min(longest, first * factor ** (tries - 1)) * (0.8 + 0.4 * random())
