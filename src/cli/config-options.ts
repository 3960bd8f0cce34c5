/** The options with which every command finds its configuration. */
import { InvalidArgumentError, type Command } from 'commander'
import { loadConfig, type LoadedConfig } from '../config/load-config.ts'
import { parseDuration, parseSize } from '../config/values.ts'
import { CliError } from './cli-error.ts'
import { printNote } from './output.ts'
import { stateFolderKey } from '../config/state-folder.ts'

export type ConfigOptions = {
  config?: string
  storage?: string
  driver?: string
  set?: Record<string, string>
  port?: string
  json?: boolean
}

export function addConfigOptions(command: Command): Command {
  return command
    .option('--config <file>', 'read this file instead of config/local.yaml')
    .option('--storage <path>', 'the folder for bytes, secrets and catalog (storage.disk.path)')
    .option('--driver <name>', 'disk or s3 (storage.driver)')
    .option('--set <key=value>', 'set any key, e.g. --set uploads.maxSize=5GiB; repeatable', collectSetting)
    .option('--json', 'print the result as JSON')
}

/** Adds `key=value` to the settings collected so far. */
export function collectSetting(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (key === undefined || value === undefined)
    throw new InvalidArgumentError('Write KEY=VALUE, e.g. uploads.maxSize=5GiB.')
  return { ...before, [key.trim()]: value }
}

/** Loads the configuration from the options and prints its warnings. Throws `ConfigError`. */
export function openConfig(
  options: ConfigOptions,
  { dev = false, remote = false, quiet = false }: { dev?: boolean; remote?: boolean; quiet?: boolean } = {},
): LoadedConfig {
  const flags = {
    ...options.set,
    [stateFolderKey]: options.storage ?? options.set?.[stateFolderKey],
    'storage.driver': options.driver ?? options.set?.['storage.driver'],
    port: options.port,
  }
  if (options.config === '') throw new CliError('--config is empty. Name a file or leave the option out.', 2)
  const loaded = loadConfig({ configFile: options.config, flags, dev, remote })
  for (const warning of quiet ? [] : loaded.warnings) printNote(`Warning: ${warning}`)
  return loaded
}

/** Whole seconds, e.g. from `15m`. */
export function durationArgument(text: string): number {
  const seconds = parseDuration(text)
  if (seconds === null || !Number.isInteger(seconds))
    throw new InvalidArgumentError('Write a duration such as 90s, 15m or 7d.')
  return seconds
}

/** A whole number of at least 0. */
export function countArgument(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Write a whole number such as 250.')
  return Number(text)
}

/** Bytes, e.g. from `5MiB`. */
export function sizeArgument(text: string): number {
  const bytes = parseSize(text)
  if (bytes === null) throw new InvalidArgumentError('Write a size such as 48213 or 5MiB.')
  return bytes
}
