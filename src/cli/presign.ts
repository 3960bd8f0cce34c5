import type { Command } from 'commander'
import { isActiveType } from '../active-type.ts'
import type { ObjectRef, SignedRequest, StorageDriver } from '../drivers/driver.ts'
import { publicPrefix } from '../gateway-names.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, durationArgument, openConfig, sizeArgument, type ConfigOptions } from './config-options.ts'
import { printJson, printNote, printResult } from './output.ts'
import { existingSecrets } from './open-store.ts'
import { shellQuote } from './shell-quote.ts'

type PresignOptions = ConfigOptions & { expiresIn?: number }
type PutOptions = PresignOptions & { contentType?: string; size?: number }

export function addPresign(program: Command): void {
  const presign = program
    .command('presign')
    .description('create a presigned URL for one object in the configured store')
  addConfigOptions(presign.command('put <key>'))
    .description('a URL for uploading an object')
    .option('--expires-in <duration>', 'how long the URL is valid (default: uploads.expiresIn)', durationArgument)
    .option('--content-type <type>', 'bind the content type')
    .option('--size <bytes>', 'bind the length', sizeArgument)
    .action((key: string, options: PutOptions) => {
      if (key.startsWith(publicPrefix)) checkPublicPut(options)
      return signOne(key, options, 'uploads', (driver, ref, expiresIn) =>
        driver.presignUpload(ref, {
          expiresIn,
          ...(options.contentType === undefined ? {} : { contentType: options.contentType }),
          ...(options.size === undefined ? {} : { contentLength: options.size }),
        }),
      )
    })
  addConfigOptions(presign.command('get <key>'))
    .description('a URL for downloading an object')
    .option('--expires-in <duration>', 'how long the URL is valid (default: downloads.expiresIn)', durationArgument)
    .action((key: string, options: PresignOptions) =>
      signOne(key, options, 'downloads', (driver, ref, expiresIn) => driver.presignDownload(ref, { expiresIn })),
    )
}

/** Objects under such a key are public at once, and no record restricts their type. */
function checkPublicPut({ contentType, size }: PutOptions): void {
  if (contentType === undefined || size === undefined) {
    const missing = contentType === undefined ? '--content-type' : '--size'
    throw new CliError(
      `Objects below ${publicPrefix} are public, so the URL must bind type and size. Add ${missing} or use another key.`,
      2,
    )
  }
  if (!isActiveType(contentType)) return
  throw new CliError(
    `${contentType} is not allowed below ${publicPrefix}, because objects there are public and browsers run scripts in this type. Use a key outside ${publicPrefix}.`,
    2,
  )
}

type Sign = (driver: StorageDriver, ref: ObjectRef, expiresIn: number) => Promise<SignedRequest>

async function signOne(key: string, options: PresignOptions, kind: 'uploads' | 'downloads', sign: Sign): Promise<void> {
  const { config } = openConfig(options)
  const secrets = existingSecrets(config)
  const [{ createStorage }, { createLogger }] = await Promise.all([
    import('../storage.ts'),
    import('../http/logger.ts'),
  ])
  const driver = await createStorage(config, { secrets, log: createLogger({ ...config.log, level: 'warn' }) })
  try {
    const expiresIn = options.expiresIn ?? config[kind].expiresIn
    if (expiresIn > driver.limits.maxExpiresIn) {
      throw new CliError(`--expires-in is over the limit of ${driver.limits.maxExpiresIn} seconds (7d).`, 2)
    }
    print(await sign(driver, { bucket: config.storage.bucket, key }, expiresIn), options.json ?? false)
  } finally {
    await driver.close()
  }
}

function print({ method, url, headers, expiresIn, expiresAt }: SignedRequest, json: boolean): void {
  if (json) {
    printJson({ method, url, headers, expiresIn, expiresAt: expiresAt.toISOString() })
    return
  }
  const words = ['curl', ...(method === 'PUT' ? ['-T', 'FILE'] : [])]
  for (const [name, value] of Object.entries(headers)) words.push('-H', `${name}: ${value}`)
  printNote(`Valid until ${expiresAt.toISOString()}. Use it with:`)
  printNote(`  ${[...words, url].map(shellQuote).join(' ')}`)
  printResult(url)
}
