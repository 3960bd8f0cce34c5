/** All access keys of a configuration and their sources. */
import { resolve } from 'node:path'
import { describeSource } from '../config/config-error.ts'
import { keyFilePath, readKeyFile } from '../config/key-file.ts'
import { hasEnded } from '../config/key-lifetime.ts'
import { shadowed } from '../config/live-keys.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import { readConfigFile } from '../config/read-file.ts'
import { secretsPath, type Secrets } from '../config/secrets.ts'
import { gatewayOwner } from '../gateway-names.ts'
import { stateFolder } from '../config/state-folder.ts'

/** Without its secret. */
export type KnownKey = {
  accessKeyId: string
  owner: string
  source: 'gateway' | 'config' | 'keys.json'
  /** The file (with a line for the configuration file) or the environment variable. */
  where: string
  /** ISO 8601. null if not recorded. */
  createdAt: string | null
  /** ISO 8601. null if it does not expire. */
  validUntil: string | null
  /** Another key with this id overrides this one. */
  shadowed: boolean
}

/** The gateway's own keys first, starting with the one that signs. Expired keys are left out. */
export function knownKeys(loaded: LoadedConfig, secrets: Secrets, now: Date): KnownKey[] {
  const { keys, storage } = loaded.config
  const folder = stateFolder({ storage })
  const stored = readKeyFile(folder)
  const unused = new Set(shadowed(secrets, keys, stored))

  const gateway = [{ ...secrets.signing, validUntil: null }, ...(secrets.previousSigning ?? [])].map((key) => ({
    accessKeyId: key.accessKeyId,
    owner: gatewayOwner,
    source: 'gateway' as const,
    where: secretsPath(folder),
    createdAt: key.createdAt ?? null,
    validUntil: key.validUntil,
    shadowed: false,
  }))
  const configured = keys.map(({ accessKeyId, owner }, i) => ({
    accessKeyId,
    owner,
    source: 'config' as const,
    where: whereConfigured(loaded, i),
    createdAt: null,
    validUntil: null,
    shadowed: false,
  }))
  const made = stored.map((key) => ({
    accessKeyId: key.accessKeyId,
    owner: key.owner,
    source: 'keys.json' as const,
    where: keyFilePath(folder),
    createdAt: key.createdAt,
    validUntil: key.validUntil,
    shadowed: unused.has(key),
  }))
  return [...gateway, ...configured, ...made].filter(({ validUntil }) => !hasEnded(validUntil, now))
}

/** `config/local.yaml:12`, `variable POSTERN_KEYS` … */
function whereConfigured({ sources }: LoadedConfig, index: number): string {
  const source = sources.get('keys') ?? { from: 'default' as const }
  if (source.from !== 'file') return describeSource(source)
  const { settings } = readConfigFile(resolve(source.file), source.file)
  const line = settings.findLast(({ key }) => key === 'keys')?.line?.([index])
  return describeSource({ ...source, line: line ?? source.line })
}
