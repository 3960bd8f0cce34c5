import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { addConfigOptions, openConfig } from './config-options.ts'
import { CliError } from './cli-error.ts'
import { serve, type ServeOptions } from './serve.ts'
import { registrationOf } from '../drivers/registry.ts'
import { temporaryStateFolder } from '../config/state-folder.ts'

type DevOptions = Omit<ServeOptions, 'dev'> & { ephemeral?: boolean; remote?: boolean; open?: boolean }

export function addDev(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('dev'))
    .description('start the gateway for development: any type and size, no credentials on this machine')
    .option('--port <port>', 'the port of the API; the host does not change')
    .option('--takeover', 'wait until the server that uses this folder has stopped, instead of refusing to start')
    .option('--ephemeral', 'use a temporary folder that is deleted at exit')
    .option('--remote', 'listen on all interfaces, e.g. in a container; requests need the printed token')
    .option('--open', 'open the console in a browser')
    .addHelpText(
      'after',
      '\nS3 clients use the access key "postern" with the secret "postern-secret". Buckets are created on first use.' +
        '\nconfig/local.yaml, environment variables and options override the settings of development mode.',
    )
    .action(async (options: DevOptions) => exit(await dev(options)))
}

async function dev({ ephemeral, remote, open, ...options }: DevOptions): Promise<number> {
  const isRemote = remote ?? isSet(process.env['POSTERN_DEV_REMOTE'])
  const folder = ephemeral ? await mkdtemp(join(tmpdir(), 'postern-dev-')) : null
  const set = {
    ...(folder !== null && temporaryStateFolder(folder)),
    ...(isRemote && (await exposed(options))),
    ...options.set,
  }
  try {
    return await serve({
      ...options,
      set,
      dev: true,
      remote: isRemote,
      // The keys are public. On a network they may only protect data that is discarded or isolated by a container.
      fixedKeys: !isRemote || folder !== null || isContainer(),
      open: open ?? false,
    })
  } finally {
    if (folder !== null) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Listens on all interfaces at the configured ports. Clients connect to the ports published on this machine. */
async function exposed(options: ServeOptions): Promise<Record<string, string>> {
  const { config } = openConfig(options, { dev: true, remote: true, quiet: true })
  const { driver } = config.storage
  if (registrationOf(driver).hasOwnUrls) {
    throw new CliError(
      `--remote needs the disk driver, because with storage.driver: ${driver} anyone on the network could access your bucket. Use postern serve.`,
      2,
    )
  }
  const { server, objects } = config
  const objectsPort = objects.listen === 'shared' ? null : objects.listen.port
  return {
    'server.listen': `0.0.0.0:${server.listen.port}`,
    ...(server.publicUrl === 'auto' && { 'server.publicUrl': `http://localhost:${server.listen.port}` }),
    ...(objectsPort !== null && { 'objects.listen': `0.0.0.0:${objectsPort}` }),
    ...(objects.publicUrl === 'auto' && {
      'objects.publicUrl':
        objectsPort === null ? `http://localhost:${server.listen.port}/objects` : `http://localhost:${objectsPort}`,
    }),
  }
}

const isSet = (value: string | undefined): boolean => value !== undefined && !['', '0', 'false'].includes(value)

const isContainer = (): boolean =>
  existsSync('/.dockerenv') || existsSync('/run/.containerenv') || process.env['KUBERNETES_SERVICE_HOST'] !== undefined
