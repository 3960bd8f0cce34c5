/** A temporary working directory with configuration files, for tests that load from disk. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ConfigError, describeProblem } from '../../src/config/config-error.ts'
import { loadConfig, type LoadedConfig, type LoadOptions } from '../../src/config/load-config.ts'

export type Folder = {
  path: string
  write(name: string, content: string): string
  /** Loads with an empty environment unless one is given. */
  load(o?: LoadOptions): LoadedConfig
  /** The problems of a load that must fail, a line each. */
  problems(o?: LoadOptions): string[]
  remove(): void
}

export function makeFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'postern-config-'))
  const load = (o: LoadOptions = {}): LoadedConfig => loadConfig({ env: {}, cwd: path, ...o })
  return {
    path,
    write(name, content) {
      mkdirSync(dirname(join(path, name)), { recursive: true })
      writeFileSync(join(path, name), content)
      return join(path, name)
    },
    load,
    problems(o) {
      try {
        load(o)
      } catch (error) {
        if (error instanceof ConfigError) return error.problems.map(describeProblem)
        throw error
      }
      throw new Error('the configuration was accepted')
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
