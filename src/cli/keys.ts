/** Manages access keys while the server runs. Secrets are printed only once, when they are created. */
import { InvalidArgumentError, type Command } from 'commander'
import { accessKeyIdSchema, ownerSchema } from '../config/key-file-schema.ts'
import { addKey, revokeKey, rotateKey, type StoredKey } from '../config/key-file.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import { ownerLimits } from '../config/owner-limits.ts'
import { endPreviousSigning, rotateSigning } from '../config/secrets.ts'
import { parseDuration } from '../config/values.ts'
import type { OwnerUsage } from '../drivers/driver.ts'
import { folderTools } from '../drivers/registry.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { knownKeys, type KnownKey } from './known-keys.ts'
import { existingSecrets } from './open-store.ts'
import { printJson, printNote, printResult } from './output.ts'
import { showBytes } from './progress.ts'
import { rotateTokenSecret } from './rotate-tokens.ts'
import { gatewayOwner } from '../gateway-names.ts'
import { servesObjects } from '../config/serves-objects.ts'
import { stateFolder } from '../config/state-folder.ts'

type CreateOptions = ConfigOptions & { owner: string; accessKeyId?: string }
type RotateOptions = ConfigOptions & { gateway?: boolean; tokens?: boolean; overlap?: number; secretFile?: string }
type RevokeOptions = ConfigOptions & { in: number }

const day = 86_400
const week = 7 * day

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('create, list, rotate and revoke S3 access keys; no restart is needed')
  addConfigOptions(keys.command('create'))
    .description('create an access key; its secret is printed only once')
    .requiredOption('--owner <owner>', 'the owner of the buckets that the key can access', ownerArgument)
    .option('--access-key-id <id>', 'use this id instead of a generated one', accessKeyIdArgument)
    .action(create)
  addConfigOptions(keys.command('list'))
    .description('list keys with owner, expiry and what the owner stores; never prints secrets')
    .action(list)
  addConfigOptions(keys.command('rotate [accessKeyId]'))
    .description('create a new key for the same owner; the old key expires after the overlap')
    .option('--gateway', "replace the gateway's own key, which signs the URLs of the API")
    .option('--tokens', 'replace the secret that bearer tokens are signed with (auth.secret)')
    .option(
      '--secret-file <file>',
      'with --tokens: read the new secret from a file, to use the same one on several servers',
    )
    .option('--overlap <duration>', 'how long the old key stays valid (default: 24h; with --gateway 7d)', spanArgument)
    .action(rotate)
  addConfigOptions(keys.command('revoke <accessKeyId>'))
    .description('revoke a key and all URLs signed with it')
    .option('--in <duration>', 'revoke it after this time instead of now', spanArgument, 0)
    .action(revoke)
}

async function create(options: CreateOptions): Promise<void> {
  const { loaded, folder, now, known } = open(options)
  const taken = new Set(known.map(({ accessKeyId }) => accessKeyId))
  const { owner, accessKeyId } = options
  const key = await addKey(folder, { owner, taken, now, ...(accessKeyId === undefined ? {} : { accessKeyId }) })
  if (key === null) throw new CliError(`The access key ${accessKeyId} already exists. Choose another id.`, 1)
  printSecret(key, options.json)
  noteWithoutEndpoint(loaded)
}

async function list(options: ConfigOptions): Promise<void> {
  const { loaded, folder, known } = open(options)
  const { readOwnerUsage } = await folderTools()
  const stored = new Map(readOwnerUsage(folder)?.map(({ owner, ...counts }) => [owner, counts]))
  const usageOf = ({ owner, source }: KnownKey): Stored | null =>
    source === 'gateway' ? null : (stored.get(owner) ?? nothingStored)
  const limits = ownerLimits(loaded.config)
  if (options.json) {
    printJson(known.map((key) => ({ ...key, usage: usageOf(key), limits: key.source === 'gateway' ? null : limits })))
    return
  }
  const head = ['ACCESS KEY ID', 'OWNER', 'STORED', 'CREATED', 'VALID UNTIL', 'FROM']
  const rows = known.map((key) => [
    key.accessKeyId,
    key.owner,
    showUsage(usageOf(key), limits),
    key.createdAt ?? '-',
    key.validUntil ?? '-',
    key.source === 'keys.json' ? key.source : `${key.source} (${key.where})`,
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)))
  for (const row of [head, ...rows])
    printResult(
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
  for (const { accessKeyId } of known.filter((key) => key.shadowed)) {
    printNote(`The key ${accessKeyId} in keys.json is not used, because another key with that id overrides it.`)
  }
}

type Stored = Omit<OwnerUsage, 'owner'>
const nothingStored: Stored = { buckets: 0, objects: 0, bytes: 0, uploads: 0, partBytes: 0 }

/** As the quota counts, with unfinished multipart uploads. */
function showUsage(usage: Stored | null, limits: ReturnType<typeof ownerLimits>): string {
  if (usage === null) return '-'
  const bytes = showBytes(usage.bytes + usage.partBytes)
  const objects = `${usage.objects + usage.uploads}${limits.objects === null ? '' : ` of ${limits.objects}`} objects`
  return `${bytes}${limits.bytes === null ? '' : ` of ${showBytes(limits.bytes)}`} in ${objects}`
}

async function rotate(accessKeyId: string | undefined, options: RotateOptions): Promise<void> {
  const { gateway = false, tokens = false, json = false } = options
  if ([accessKeyId !== undefined, gateway, tokens].filter(Boolean).length !== 1) {
    throw new CliError(
      "Name one access key, or use --gateway for the gateway's own key or --tokens for the token secret.",
      2,
    )
  }
  const { secretFile } = options
  if (secretFile !== undefined && !tokens) throw new CliError('--secret-file needs --tokens.', 2)
  const { loaded, folder, now, known } = open(options)
  if (tokens) {
    await rotateTokenSecret(loaded, { overlap: options.overlap ?? day, now, json, secretFile })
    return
  }
  if (accessKeyId === undefined) {
    const overlap = options.overlap ?? week
    const { signing, replaced } = await rotateSigning(folder, { overlap, now })
    const { createdAt } = signing
    const replaces = { accessKeyId: replaced.accessKeyId, validUntil: replaced.validUntil }
    if (options.json) printJson({ accessKeyId: signing.accessKeyId, owner: gatewayOwner, createdAt, replaces })
    else printResult(signing.accessKeyId)
    printNote(`New URLs are signed with this key. ${ending(replaced, now)}`)
    if (overlap < week) printNote('URLs issued for longer expire with the old key.')
    return
  }
  refuseOthers(accessKeyId, known, 'rotate')
  const rotated = await rotateKey(folder, accessKeyId, { overlap: options.overlap ?? day, now })
  if (rotated === null) throw noSuchKey(accessKeyId)
  printSecret(rotated.key, options.json, rotated.replaced)
  printNote(ending(rotated.replaced, now))
}

async function revoke(accessKeyId: string, options: RevokeOptions): Promise<void> {
  const { folder, now, known } = open(options)
  refuseOthers(accessKeyId, known, 'revoke')
  const o = { after: options.in, now }
  const ended = (await revokeKey(folder, accessKeyId, o)) ?? (await endPreviousSigning(folder, accessKeyId, o))
  if (ended === null) throw noSuchKey(accessKeyId)
  const { validUntil } = ended
  if (options.json) printJson({ accessKeyId, validUntil })
  else printResult(ending(ended, now))
}

type Opened = { loaded: LoadedConfig; folder: string; now: Date; known: KnownKey[] }

function open(options: ConfigOptions): Opened {
  const loaded = openConfig(options)
  const now = new Date()
  const { config } = loaded
  return { loaded, folder: stateFolder(config), now, known: knownKeys(loaded, existingSecrets(config), now) }
}

/** Rejects keys that this command cannot change, and says how to change them. */
function refuseOthers(accessKeyId: string, known: readonly KnownKey[], verb: 'rotate' | 'revoke'): void {
  const key = known.find((other) => other.accessKeyId === accessKeyId && !other.shadowed)
  if (key?.source === 'config') {
    const instead =
      verb === 'rotate'
        ? `create another key (postern keys create --owner ${JSON.stringify(key.owner)}), then take`
        : 'take'
    throw new CliError(
      `The key ${accessKeyId} is set in the configuration (${key.where}), which this command does not change. To ${verb} it, ` +
        `${instead} it out there and restart the server.`,
      2,
    )
  }
  if (key?.source === 'gateway' && (verb === 'rotate' || key.validUntil === null)) {
    const overlap = verb === 'revoke' ? ' --overlap 0' : ''
    throw new CliError(
      key.validUntil === null
        ? `The key ${accessKeyId} is the gateway's own. To replace it, run: postern keys rotate --gateway${overlap}`
        : `The key ${accessKeyId} was already replaced and expires at ${key.validUntil}.`,
      2,
    )
  }
}

const noSuchKey = (accessKeyId: string): CliError =>
  new CliError(`There is no access key ${accessKeyId}. To list all keys, run: postern keys list`, 1)

function ending({ accessKeyId, validUntil }: { accessKeyId: string; validUntil: string | null }, now: Date): string {
  const isOver = validUntil !== null && Date.parse(validUntil) <= now.getTime()
  return isOver ? `The key ${accessKeyId} has expired.` : `The key ${accessKeyId} expires at ${validUntil}.`
}

/** Prints the key as environment variables that every SDK reads. */
function printSecret(key: StoredKey, json = false, replaced?: StoredKey): void {
  if (json) {
    const replaces = replaced && { accessKeyId: replaced.accessKeyId, validUntil: replaced.validUntil }
    printJson({ ...key, ...(replaces && { replaces }) })
    return
  }
  printResult(`AWS_ACCESS_KEY_ID=${key.accessKeyId}\nAWS_SECRET_ACCESS_KEY=${key.secretAccessKey}`)
  printNote(`The secret is not shown again. A running server accepts the key at once, for the buckets of ${key.owner}.`)
}

function noteWithoutEndpoint({ config }: LoadedConfig): void {
  if (!servesObjects(config)) {
    printNote('The key has no use yet. The s3 driver with direct delivery has no objects endpoint.')
  }
}

/** `0`, or a duration in whole seconds. */
function spanArgument(text: string): number {
  const seconds = /^0s?$/.test(text) ? 0 : parseDuration(text)
  if (seconds === null || !Number.isInteger(seconds))
    throw new InvalidArgumentError('Write a duration such as 15m, 24h or 7d, or 0.')
  return seconds
}

function ownerArgument(text: string): string {
  const parsed = ownerSchema.safeParse(text)
  if (parsed.success) return text
  throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'Choose another owner.')
}

function accessKeyIdArgument(text: string): string {
  if (!accessKeyIdSchema.safeParse(text).success)
    throw new InvalidArgumentError('Write 3 to 128 letters, digits, _ or -.')
  if (text.includes('EXAMPLE'))
    throw new InvalidArgumentError('This is the example id of the AWS documentation. Choose another id.')
  return text
}
