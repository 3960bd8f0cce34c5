/** Parses values such as `5GiB`, `15m` and `127.0.0.1:4000`. */
import { isIP } from 'node:net'
import { z } from 'zod'

const sizeUnits: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}
const durationUnits: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

const sizeText = 'expects a size such as 100MiB or 5GiB'
const durationText = 'expects a duration such as 30s, 15m or 7d'
const autoSizeText = 'expects auto, or a size such as 100MiB or 5GiB'
const offDurationText = 'expects off, or a duration such as 30s, 15m or 7d'
const listenText = 'expects HOST:PORT such as 127.0.0.1:4000'

/** Bytes, or null if the text is not a size. A number without a unit is bytes. */
export function parseSize(text: string | number): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?b)?$/i.exec(String(text).trim())
  const unit = sizeUnits[(match?.[2] ?? 'b').toLowerCase()]
  if (!match || unit === undefined) return null
  const bytes = Number(match[1]) * unit
  return Number.isSafeInteger(Math.round(bytes)) ? Math.round(bytes) : null
}

/** Seconds, or null if the text is not a duration. A number without a unit is seconds. */
export function parseDuration(text: string | number): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?$/i.exec(String(text).trim())
  const unit = durationUnits[(match?.[2] ?? 's').toLowerCase()]
  if (!match || unit === undefined) return null
  const seconds = Number(match[1]) * unit
  return seconds > 0 && seconds <= 10 * 365 * 86_400 ? seconds : null
}

export const size = z.union([z.string(), z.number()], { error: sizeText }).transform((value, ctx) => {
  const bytes = parseSize(value)
  if (bytes !== null) return bytes
  ctx.addIssue({ code: 'custom', message: sizeText })
  return z.NEVER
})

export const autoOrSize = z.union([z.string(), z.number()], { error: autoSizeText }).transform((value, ctx) => {
  if (value === 'auto') return value
  const bytes = parseSize(value)
  if (bytes !== null) return bytes
  ctx.addIssue({ code: 'custom', message: autoSizeText })
  return z.NEVER
})

export const duration = z.union([z.string(), z.number()], { error: durationText }).transform((value, ctx) => {
  const seconds = parseDuration(value)
  if (seconds !== null) return seconds
  ctx.addIssue({ code: 'custom', message: durationText })
  return z.NEVER
})

/** `off` is null. */
export const offOrDuration = z
  .union([z.string(), z.number()], { error: offDurationText })
  .nullable()
  .transform((value, ctx) => {
    if (value === null || value === 'off') return null
    const seconds = parseDuration(value)
    if (seconds !== null) return seconds
    ctx.addIssue({ code: 'custom', message: offDurationText })
    return z.NEVER
  })

/** `127.0.0.1:4000`, `[::1]:4000`, `localhost:4000`, `:4000` (every address) or `4000` (loopback). */
export const listenAddress = z
  .union([z.string(), z.number()], { error: listenText })
  .transform((value, ctx): { host: string; port: number } => {
    const match = /^(?:(\[[0-9a-f:]+\]|[^\s:[\]]*):)?(\d{1,5})$/i.exec(String(value).trim())
    const port = Number(match?.[2])
    if (match && port <= 65_535) {
      const host = match[1] === undefined ? '127.0.0.1' : match[1] === '' ? '0.0.0.0' : match[1].replace(/^\[|\]$/g, '')
      return { host, port }
    }
    ctx.addIssue({ code: 'custom', message: listenText })
    return z.NEVER
  })

/** `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`. */
export const addressRange = z.string().refine((text) => {
  const [, address = '', bits = '0'] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128)
}, 'expects an address or a range such as 10.0.0.0/8')

const redisText =
  'expects memory or redis://USER:PASSWORD@HOST:PORT. Write % / ? # @ : in user and password as %25 %2F %3F %23 %40 %3A'

export const redisUrl = z
  .string()
  .regex(/^rediss?:\/\//, redisText)
  .refine(isReadable, redisText)

function isReadable(text: string): boolean {
  try {
    const { username, password } = new URL(text)
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}
