/** The effective configuration for people and machines, with secrets masked. */
import { Document, isMap, isSeq, type Node } from 'yaml'
import { describeSource } from './config-error.ts'
import { nest } from './config-keys.ts'
import type { LoadedConfig } from './load-config.ts'

const mask = '********'

/** YAML in the format of config/local.yaml, with masked secrets. A comment on each line names the source of the value. */
export function showConfig(loaded: LoadedConfig): string {
  const document = new Document(nest(maskedValues(loaded)))
  for (const [key, { source }] of loaded.entries) {
    const node = document.getIn(key.split('.'), true) as Node | undefined
    const comment = ` ${describeSource(source)}`
    // A list of objects is a block. A comment after it would be at its end, so it goes before.
    const isBlock = isSeq(node) && node.items.some((item) => isMap(item))
    if (isSeq(node)) node.flow = !isBlock
    if (node && isBlock) node.commentBefore = comment
    else if (node) node.comment = comment
  }
  return document.toString({ lineWidth: 0 })
}

/** `values` are as in files (`5GiB`, `15m`). `sources` has dotted keys. */
export function showConfigJson(loaded: LoadedConfig): {
  values: Record<string, unknown>
  sources: Record<string, string>
} {
  const sources = [...loaded.sources].map(([key, source]) => [key, describeSource(source)] as const)
  return { values: nest(maskedValues(loaded)), sources: Object.fromEntries(sources) }
}

function maskedValues({ entries }: LoadedConfig): [string, unknown][] {
  return [...entries].map(([key, { written }]) => [key, maskValue(key, written)])
}

/** A value as in a file, with its secrets masked. */
export function maskValue(key: string, written: unknown): unknown {
  const isMadeByUs = key === 'auth.secret' && written === 'auto'
  if (isMadeByUs) return written
  const shown = key === 'webhooks' && Array.isArray(written) ? written.map(hookWithoutSecrets) : written
  return masked(shown, key.split('.').at(-1) ?? '')
}

function hookWithoutSecrets(hook: unknown): unknown {
  const { url } = (hook ?? {}) as { url?: unknown }
  return typeof url === 'string' ? { ...(hook as object), url: shownHook(url) } : hook
}

/** Masks the user part and the query of a webhook's URL, which often contain a secret. */
export const shownHook = (url: string): string => url.replace(/[?#].*$/s, '?…').replace(/\/\/[^/]*@/, '//…@')

function masked(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((item) => masked(item, name))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([inner, v]) => [inner, masked(v, inner)]))
  }
  if (value === null || value === '' || typeof value === 'boolean') return value
  if (/secret|token|password|authorization/i.test(name)) return mask
  return typeof value === 'string' ? maskPassword(value) : value
}

/** Masks the password of `redis://user:password@host` and of `?password=…`. */
function maskPassword(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*):.*@(?=[^@]*$)/i, `$1:${mask}@`)
    .replace(/([?&](?:password|secret|token)=)[^&#]*/gi, `$1${mask}`)
}
