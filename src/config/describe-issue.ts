/** Turns the issues that zod found into messages that say what to write. */
import type { z } from 'zod'
import { nearest } from './nearest.ts'

type Issue = z.core.$ZodIssue

const kinds: Record<string, string> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys and values',
  record: 'keys and values',
  null: 'null',
}

export type IssueText = { path: PropertyKey[]; message: string; nearest?: string }

type Context = {
  /** The value of the key. Messages quote it unless `secret`. */
  given: unknown
  secret: boolean
  /** The names that the entries of a list may have. */
  entryNames: readonly string[]
}

export function describeIssues(issues: readonly Issue[], { given, secret, entryNames }: Context): IssueText[] {
  return issues.flatMap((issue) => describe(issue, { given: at(given, issue.path), secret, entryNames }))
}

function describe(issue: Issue, { given, secret, entryNames }: Context): IssueText[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => text([...issue.path, key], 'there is no such key.', nearest(key, entryNames)))
  }
  const wanted = expectation(issue)
  if (given === undefined) return [text(issue.path, `is missing. It ${wanted}.`, undefined)]
  const shown = secret || wanted.startsWith('must') ? '' : `, not ${quote(given)}`
  const choices = issue.code === 'invalid_value' ? issue.values.map(String) : []
  return [text(issue.path, `${wanted}${shown}.`, typeof given === 'string' ? nearest(given, choices) : undefined)]
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expects ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `expects ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`
    case 'invalid_union':
      return issue.errors.length === 0 ? issue.message : alternatives(issue.errors)
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty'
      return `expects at least ${issue.minimum}`
    case 'too_big':
      return `expects at most ${issue.maximum}`
    default:
      return issue.message
  }
}

function alternatives(branches: readonly (readonly Issue[])[]): string {
  const wanted = branches
    .flatMap((issues) => issues.slice(0, 1))
    .map((issue) => expectation(issue).replace(/^expects /, ''))
  return `expects ${[...new Set(wanted)].join(' or ')}`
}

function quote(given: unknown): string {
  if (Array.isArray(given)) return 'a list'
  if (isMap(given)) return 'keys and values'
  const json = JSON.stringify(given)
  return json.length > 60 ? `${json.slice(0, 60)}…` : json
}

const text = (path: readonly PropertyKey[], message: string, near: string | undefined): IssueText => ({
  path: [...path],
  message,
  ...(near === undefined ? {} : { nearest: near }),
})

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((here, name) => (here as Record<PropertyKey, unknown> | null | undefined)?.[name], value)
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
