/** The keys of the schema as a flat list (`storage.disk.path`), each with the schema of its value. */
import { z } from 'zod'
import { configSchema } from './schema.ts'
import { registrations } from '../drivers/registry.ts'

export type ConfigKey = {
  /** Dotted. */
  key: string
  schema: z.ZodType
  /** The environment variable that sets it. */
  variable: string
}

/** `limits.issuePerMinute` is `POSTERN_LIMITS_ISSUE_PER_MINUTE`. */
export function variableName(key: string): string {
  return `POSTERN_${key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll('.', '_')}`.toUpperCase()
}

const sections: string[] = []
const leaves: ConfigKey[] = []

function collect(section: z.ZodObject, path: string): void {
  for (const [name, schema] of Object.entries(section.shape) as [string, z.ZodType][]) {
    const key = path === '' ? name : `${path}.${name}`
    if (schema instanceof z.ZodObject) {
      sections.push(key)
      collect(schema, key)
    } else {
      leaves.push({ key, schema, variable: variableName(key) })
    }
  }
}
collect(configSchema, '')

export const configKeys: ReadonlyMap<string, ConfigKey> = new Map(leaves.map((leaf) => [leaf.key, leaf]))
export const configSections: ReadonlySet<string> = new Set(sections)

/** Keys whose values must never be printed, not even in part. */
export const secretKeys: ReadonlySet<string> = new Set([
  'auth.secret',
  ...registrations().flatMap(({ name, secretSettings }) => secretSettings.map((key) => `storage.${name}.${key}`)),
  'keys',
  'webhooks',
  'database.url',
  'limits.store',
])

/** `{ 'a.b': 1 }` → `{ a: { b: 1 } }` */
export function nest(flat: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const [key, value] of flat) {
    const names = key.split('.')
    const last = names.pop()!
    let at = root
    for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>
    at[last] = value
  }
  return root
}
