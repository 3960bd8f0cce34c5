/** A JSON Schema of the configuration files for editors. Every key is optional and has a description and a default. */
import { isMap, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { configKeys, configSections } from './config-keys.ts'
import { defaultConfigFile } from './load-config.ts'
import { configSchema } from './schema.ts'

type Json = Record<string, unknown>

export function configJsonSchema(): Json {
  const schema = z.toJSONSchema(configSchema, { io: 'input', reused: 'inline' }) as Json
  schema['title'] = 'Postern configuration'
  const document = parseDocument(readFileSync(defaultConfigFile, 'utf8'))
  if (isMap(document.contents)) explain(schema, document.contents, '')
  return schema
}

function explain(schema: Json, section: YAMLMap, path: string): void {
  delete schema['required']
  const properties = schema['properties'] as Record<string, Json>
  for (const [index, pair] of section.items.entries()) {
    const name = isScalar(pair.key) ? String(pair.key.value) : ''
    const key = path === '' ? name : `${path}.${name}`
    const property = properties[name]
    if (!property) continue
    const comment = commentOf(pair) ?? (index === 0 ? section.commentBefore : undefined)
    // Skips the introduction of the file, which precedes the comment of the first section.
    const description = comment
      ?.split(/\n\s*\n/)
      .at(-1)
      ?.trim()
      .replace(/\s+/g, ' ')
    if (description) property['description'] = description
    if (configSections.has(key) && isMap(pair.value)) explain(property, pair.value, key)
    else if (configKeys.has(key)) property['default'] = (pair.value as { toJSON(): unknown } | null)?.toJSON() ?? null
  }
}

const commentOf = (pair: Pair): string | null | undefined => (isScalar(pair.key) ? pair.key.commentBefore : undefined)
