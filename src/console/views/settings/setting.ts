/** What there is to say of one setting. */

export type Setting = {
  key: string
  /** As a file would hold it; secrets masked. */
  value: unknown
  default: unknown
  source: { from: 'default' | 'file' | 'variable' | 'flag' | 'derived' | 'program'; text: string }
  variable: string
  secret: boolean
  description: string
}

/** null where nothing is set. */
export function inWords(value: unknown): string | null {
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

/** Where to write what, given what is there now. */
export function howToChange({ source: { from, text }, key, variable }: Setting): string {
  switch (from) {
    case 'file':
      return `Set in ${text}: change that line. The variable ${variable} goes before it.`
    case 'variable':
      return `The ${text} is set, and goes before every file: change it, or unset it to use a file.`
    case 'flag':
      return `Given on the command line, which goes before variables and files.`
    case 'derived':
      return `It ${text}. To choose otherwise, set ${key} in config/local.yaml, or the variable ${variable}.`
    case 'program':
      return `The program that runs this gateway hands it over.`
    default:
      return `Set ${key} in config/local.yaml, or the variable ${variable}.`
  }
}

/** Every word stands somewhere in it. */
export function matches(setting: Setting, text: string): boolean {
  const { key, variable, description, value } = setting
  const all = [key, variable, description, inWords(value), sourceInWords(setting)].join(' ').toLowerCase()
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word))
}

/** By the first name of the key, in the order of the configuration. */
export const sections = (settings: readonly Setting[]): [name: string, Setting[]][] => [
  ...Map.groupBy(settings, ({ key }) => key.split('.', 1)[0] ?? key),
]
