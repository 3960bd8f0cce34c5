/** Where a value came from. Lines count from 1. */
export type Source =
  | { from: 'default' }
  | { from: 'file'; file: string; line: number }
  | { from: 'variable'; name: string }
  | { from: 'flag' }
  /** Derived from another key, because the key itself was not set. */
  | { from: 'derived'; of: string }

export function describeSource(source: Source): string {
  switch (source.from) {
    case 'default':
      return 'default'
    case 'file':
      return `${source.file}:${source.line}`
    case 'variable':
      return `variable ${source.name}`
    case 'flag':
      return 'command line'
    case 'derived':
      return `follows ${source.of}`
  }
}

export type ConfigProblem = {
  source: Source
  /** Dotted, with indexes inside lists (`keys[0].owner`). Null for a problem with a whole file or variable. */
  key: string | null
  /** The problem and what to write instead. Never contains a secret. */
  message: string
  /** The nearest valid key, variable or value. */
  nearest?: string
}

/** Reports all problems of the configuration at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super([`${count} in the configuration:`, ...problems.map((problem) => `  ${describeProblem(problem)}`)].join('\n'))
    this.problems = problems
  }
}

export function describeProblem({ source, key, message, nearest }: ConfigProblem): string {
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
  return `${describeSource(source)}: ${key === null ? '' : `${key}: `}${message}${hint}`
}
