import type { Command } from 'commander'
import { ConfigError, describeProblem } from '../config/config-error.ts'
import { configJsonSchema } from '../config/json-schema.ts'
import { showConfig, showConfigJson } from '../config/show-config.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { printJson, printResult } from './output.ts'

export function addConfig(program: Command, exit: (code: number) => void): void {
  const config = program.command('config').description('show and check the configuration')
  addConfigOptions(config.command('check'))
    .description('report errors in the configuration; exit code 2 if there are any')
    .action((options: ConfigOptions) => exit(check(options)))
  addConfigOptions(config.command('show'))
    .description('print the effective configuration and the source of each value; secrets are masked')
    .action((options: ConfigOptions) => {
      const loaded = openConfig(options)
      if (options.json) printJson(showConfigJson(loaded))
      else printResult(showConfig(loaded))
    })
  config
    .command('schema')
    .description('print a JSON Schema of the configuration file, for editors')
    .option('--json', 'has no effect; the schema is always JSON')
    .action(() => printResult(JSON.stringify(configJsonSchema(), null, 2)))
}

function check(options: ConfigOptions): number {
  try {
    const { warnings } = openConfig(options)
    if (options.json) printJson({ ok: true, problems: [], warnings })
    else printResult('The configuration is valid.')
    return 0
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    if (options.json) {
      const problems = error.problems.map((problem) => ({ ...problem, text: describeProblem(problem) }))
      printJson({ ok: false, problems, warnings: [] })
    } else {
      printResult(error.message)
    }
    return 2
  }
}
