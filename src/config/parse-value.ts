/** Parses a setting according to the schema of its key. */
import { z } from 'zod'
import { parse as parseYaml } from 'yaml'
import { describeIssues } from './describe-issue.ts'
import { secretKeys, type ConfigKey } from './config-keys.ts'
import type { GivenValue, ParsedValue } from './given-value.ts'

export function parseValue({ schema, key }: ConfigKey, setting: GivenValue): ParsedValue {
  const candidates = setting.text ? readings(String(setting.value), schema) : [setting.value]
  for (const written of candidates) {
    const parsed = schema.safeParse(written)
    if (parsed.success) return { ok: true, value: parsed.data, written }
  }
  // A parsed list or object gives a better message than its text.
  const given = candidates.find((candidate) => typeof candidate === 'object' && candidate !== null) ?? candidates[0]
  const entry = schema instanceof z.ZodArray ? schema.element : null
  const found = describeIssues(schema.safeParse(given).error?.issues ?? [], {
    given,
    secret: secretKeys.has(key),
    entryNames: entry instanceof z.ZodObject ? Object.keys(entry.shape) : [],
  })
  const hint =
    setting.text && entry !== null && !Array.isArray(given) ? ' In a variable, write a list as JSON: ["a", "b"].' : ''
  const problems = found.map(({ path, message, nearest }) => ({
    source:
      setting.source.from === 'file'
        ? { ...setting.source, line: setting.line?.(path) ?? setting.source.line }
        : setting.source,
    key: key + path.map((name) => (typeof name === 'number' ? `[${name}]` : `.${String(name)}`)).join(''),
    message:
      message + hint + (typeof given === 'number' && message.startsWith('expects text') ? ' Put it in quotes.' : ''),
    ...(nearest === undefined ? {} : { nearest }),
  }))
  return { ok: false, problems }
}

/** The possible values of a text, the most likely first. The first one that the schema accepts is used. */
function readings(text: string, schema: z.ZodType): unknown[] {
  if (text === 'null' && schema.safeParse(null).success) return [null]
  if (schema instanceof z.ZodArray) return [readJson(text) ?? commaList(text)]
  const scalar = /^-?\d+(\.\d+)?$|^(true|false)$/.test(text) ? [JSON.parse(text) as unknown] : []
  const json = readJson(text)
  return [text, ...scalar, ...(json === undefined ? [] : [json])]
}

/** Parses a bracketed value as JSON, or as YAML's flow style, which needs fewer quotes. */
function readJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    try {
      return parseYaml(text)
    } catch {
      return text
    }
  }
}

const commaList = (text: string): string[] => text.split(',').map((item) => item.trim())
