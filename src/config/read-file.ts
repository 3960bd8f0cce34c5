/** Reads settings from a YAML file, each with its line. */
import { readFileSync } from 'node:fs'
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Pair,
  type YAMLMap,
} from 'yaml'
import { cannotBeOpened } from '../cannot-open.ts'
import type { ConfigProblem } from './config-error.ts'
import { configKeys, configSections } from './config-keys.ts'
import { nearestKey } from './nearest.ts'
import type { GivenValue } from './given-value.ts'

export type FileSettings = { settings: GivenValue[]; problems: ConfigProblem[] }

/**
 * `name` is the file's name in messages. Unknown keys, invalid YAML and an unreadable file become problems. A missing file
 * becomes one unless it is `optional`.
 */
export function readConfigFile(path: string, name: string, o: { optional?: boolean } = {}): FileSettings {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' && o.optional) return { settings: [], problems: [] }
    const message =
      code === 'ENOENT'
        ? 'there is no such file.'
        : cannotBeOpened(path, cause, { to: 'read', or: 'name another file with --config' })
    return { settings: [], problems: [{ source: { from: 'file', file: name, line: 1 }, key: null, message }] }
  }
  return parseConfigText(text, name)
}

export function parseConfigText(text: string, name: string): FileSettings {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const source = (offset: number | undefined) => ({
    from: 'file' as const,
    file: name,
    line: lines.linePos(offset ?? 0).line,
  })
  const problems: ConfigProblem[] = document.errors.map((error) => ({
    source: source(error.pos[0]),
    key: null,
    message:
      error.code === 'DUPLICATE_KEY' ? 'this key appears twice in its section.' : `is not valid YAML: ${error.message}`,
  }))
  if (document.errors.some((error) => error.code !== 'DUPLICATE_KEY')) return { settings: [], problems }
  const settings: GivenValue[] = []

  function walk(section: YAMLMap, path: readonly string[]): void {
    for (const pair of section.items) {
      const names = [...path, keyName(pair)]
      const key = names.join('.')
      const here = source(offsetOf(pair))
      const value = resolve(pair.value, document)
      const dotted = keyName(pair).includes('.')
      if (configKeys.has(key) && !dotted) {
        const line = (inner: readonly PropertyKey[]) => source(offsetWithin(document, pair, inner)).line
        settings.push({ key, value: toValue(value, document), text: false, source: here, line })
      } else if (!configSections.has(key) || dotted) {
        problems.push({ source: here, key, ...unknownKey(key, keyName(pair)) })
      } else if (isMap(value)) {
        walk(value, names)
      } else if (toValue(value, document) !== null) {
        problems.push({ source: here, key, message: 'is a section. Indent its keys below it.' })
      }
    }
  }

  const root = document.contents
  if (isMap(root)) walk(root, [])
  else if (root !== null && toValue(root, document) !== null) {
    problems.push({ source: source(0), key: null, message: 'expects sections such as server: and storage:.' })
  }
  return { settings, problems }
}

function unknownKey(key: string, name: string): Pick<ConfigProblem, 'message' | 'nearest'> {
  if (name.includes('.')) {
    const names = name.split('.')
    return {
      message: `sections cannot be written with dots. Write ${names.join(': { ')}: …${' }'.repeat(names.length - 1)}`,
    }
  }
  const near = nearestKey(key, [...configKeys.keys(), ...configSections])
  return { message: 'there is no such key.', ...(near === undefined ? {} : { nearest: near }) }
}

const keyName = (pair: Pair): string => String(isScalar(pair.key) ? pair.key.value : pair.key)

const offsetOf = (node: unknown): number | undefined => {
  const at = isPairLike(node) ? node.key : node
  return (at as { range?: [number, number, number] | null } | null)?.range?.[0]
}
const isPairLike = (node: unknown): node is Pair => typeof node === 'object' && node !== null && 'key' in node

const resolve = (value: unknown, document: Document): unknown => (isAlias(value) ? value.resolve(document) : value)

function toValue(value: unknown, document: Document): unknown {
  const resolved = resolve(value, document) as { toJS?: (document: Document) => unknown } | null | undefined
  return resolved?.toJS ? resolved.toJS(document) : null
}

/** The offset of the node at `path` below a pair's value, or of its nearest parent that exists. */
function offsetWithin(document: Document, pair: Pair, path: readonly PropertyKey[]): number | undefined {
  let offset = offsetOf(pair)
  let at = resolve(pair.value, document)
  for (const name of path) {
    const child: unknown = isMap(at)
      ? at.items.find((item) => keyName(item) === String(name))
      : isSeq(at)
        ? at.items[Number(name)]
        : undefined
    if (child === undefined) break
    offset = offsetOf(child) ?? offset
    at = resolve(isPairLike(child) ? child.value : child, document)
  }
  return offset
}
