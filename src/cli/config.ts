import type { Command } from 'commander'
import { ConfigError, describeProblem } from '../config/config-error.ts'
import { configJsonSchema } from '../config/json-schema.ts'
import { showConfig, showConfigJson } from '../config/show-config.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { printJson, printResult } from './output.ts'

export function addConfig(program: Command, exit: (code: number) => void): void {
  const config = program.command('config').description('say what is configured, and whether it is right')
  addConfigOptions(config.command('check'))
    .description('say what is wrong with the configuration; exit code 2 if anything is')
    .action((options: ConfigOptions) => exit(check(options)))
  addConfigOptions(config.command('show'))
    .description('print the configuration in effect and where each value came from; secrets are masked')
    .action((options: ConfigOptions) => {
      const loaded = openConfig(options)
      if (options.json) printJson(showConfigJson(loaded))
      else printResult(showConfig(loaded))
    })
  config
    .command('schema')
    .description('print a JSON Schema of the configuration files, for editors')
    .option('--json', 'the schema is JSON anyway')
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
