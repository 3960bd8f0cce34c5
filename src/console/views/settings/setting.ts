/** Describes one setting. */

import type { Setting } from '../../../api/contract.ts'

/** null if nothing is set. */
export function formatValue(value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
    return value.length === 0 ? 'none' : value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

const plain = { default: 'default', flag: 'command line', program: 'the program' } as const

export function sourceInWords({ source: { from, text } }: Setting): string {
  return from === 'default' || from === 'flag' || from === 'program' ? plain[from] : text.replace(/^variable /, '$')
}

export const isChanged = ({ source }: Setting): boolean => source.from !== 'default'

/** Where to set the value, given where it is set now. */
export function howToChange({ source: { from, text }, key, variable }: Setting): string {
  switch (from) {
    case 'file':
      return `Set in ${text}. Change that line. The variable ${variable} overrides it.`
    case 'variable':
      return `The ${text} is set and overrides every file. Change it, or unset it to use a file.`
    case 'flag':
      return `Set on the command line, which overrides variables and files.`
    case 'derived':
      return `It ${text}. To change it, set ${key} in config/local.yaml or the variable ${variable}.`
    case 'program':
      return `Set by the program that embeds this gateway.`
    default:
      return `Set ${key} in config/local.yaml or the variable ${variable}.`
  }
}

/** Whether the setting contains every word of `text`. */
export function matches(setting: Setting, text: string): boolean {
  const { key, variable, description, value } = setting
  const all = [key, variable, description, formatValue(value), sourceInWords(setting)].join(' ').toLowerCase()
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word))
}

/** Settings grouped by the first part of the key, in configuration order. */
export const sections = (settings: readonly Setting[]): [name: string, Setting[]][] => [
  ...Map.groupBy(settings, ({ key }) => key.split('.', 1)[0] ?? key),
]
