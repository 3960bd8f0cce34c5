import { readFileSync } from 'node:fs'
import { openLiveKeys } from '../config/live-keys.ts'
import type { Config } from '../config/config.ts'
import { readSecrets } from '../config/secrets.ts'
import type { AccessKey } from '../s3/key-ring.ts'
import { CliError } from './cli-error.ts'
import { assertInputFile } from './input-file.ts'
import { gatewayOwner } from '../gateway-names.ts'
import { registrations, settingsOf } from '../drivers/registry.ts'
import { stateFolder } from '../config/state-folder.ts'

export type SecretOptions = { secret?: string; secretFile?: string }

/** The secret given for this URL, or null. A file or variable keeps it out of the process list. */
export function givenSecret({ secret, secretFile }: SecretOptions): string | null {
  if (secret !== undefined && secretFile !== undefined) {
    throw new CliError('Use either --secret or --secret-file, not both.', 2)
  }
  if (secretFile === undefined) {
    if (secret === '') throw new CliError('--secret is empty. Check that the variable it comes from is set.', 2)
    return secret ?? (process.env['EXPLAIN_SECRET'] || null)
  }
  assertInputFile(secretFile)
  const read = readFileSync(secretFile, 'utf8').replace(/\r?\n$/, '')
  if (read === '') throw new CliError(`${secretFile} is empty. It must contain only the secret.`, 2)
  return read
}

const silent = { info() {}, warn() {} }

/** All keys of this configuration: the gateway's own, the access keys and the bucket's. Creates and changes nothing. */
export function configuredKeys({ keys, storage }: Config): readonly AccessKey[] {
  const folder = stateFolder({ storage })
  const secrets = readSecrets(folder)
  const own: readonly AccessKey[] = secrets
    ? openLiveKeys({ folder, secrets, configured: keys, log: silent }).accepted()
    : keys
  const ofStores = registrations().flatMap((registration) => {
    const key = registration.accessKey?.(settingsOf(storage, registration))
    return key ? [{ ...key, owner: gatewayOwner }] : []
  })
  return [...own, ...ofStores]
}
