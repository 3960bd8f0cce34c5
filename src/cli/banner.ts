/** What `serve` prints once it listens: the store, both URLs, and commands to paste into a shell. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { acceptsSecret } from '../api/token-refusal.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Config } from '../config/config.ts'
import { stateFolder, stateFolderKey } from '../config/state-folder.ts'
import type { TestMode } from '../testing/test-mode.ts'
import type { ConfigOptions } from './config-options.ts'
import { shellQuote } from './shell-quote.ts'
import type { Problem } from './unready.ts'

export type Addresses = { apiUrl: string; objectsUrl: string | null }

/** The command that creates a token. null if tokens come from the identity provider. */
type TokenCommand = string | null

type BannerFacts = {
  addresses: Addresses
  bytes: string
  dev: boolean
  tokenCommand: TokenCommand
  /** Why no uploads are accepted. Empty if they are. */
  problems: readonly Problem[]
}

export function banner({ addresses: { apiUrl, objectsUrl }, bytes, dev, tokenCommand, problems }: BannerFacts): string {
  const objects =
    objectsUrl === null ? 'the bucket (presigned URLs point to it)' : `${objectsUrl}  (presigned URLs point here)`
  return [
    '',
    `  Postern is ${problems.length === 0 ? 'ready' : 'running, but not ready for uploads'}${dev ? ' (development: requests without credentials act as the user "dev")' : ''}`,
    '',
    `  API      ${apiUrl}  (JSON API and console)`,
    `  Objects  ${objects}`,
    `  Store    ${bytes}`,
    '',
    ...(problems.length > 0 ? unready(problems) : firstFile({ apiUrl, token: dev ? null : setToken(tokenCommand) })),
    '',
    '',
  ].join('\n')
}

const firstFile = (o: Parameters<typeof curlFlow>[0]): string[] => [
  '  Upload, confirm and download a first file:',
  '',
  ...curlFlow(o),
]

const unready = (problems: readonly Problem[]): string[] => [
  ...problems.flatMap(({ message, fix }) => [`  ✖ ${message}`, ...(fix === undefined ? [] : [`    ${fix}`])]),
  '',
  '  The server retries every 2 s. Until then /readyz is not 200 and no upload URLs are issued.',
]

type DevFacts = {
  addresses: Addresses
  bytes: string
  token: string | null
  mode: TestMode
  remote: boolean
  config: Config
}

/** What `postern dev` prints: URLs and first steps. */
export function devBanner({ addresses, bytes, token, remote }: DevFacts): string {
  const { apiUrl, objectsUrl } = addresses
  return [
    '',
    '  Postern is ready for development. Any type and size is accepted.',
    '',
    `  API      ${apiUrl}  (JSON API and console)`,
    `  Objects  ${objectsUrl ?? ''}  (S3 endpoint; presigned URLs point here)`,
    `  Store    ${bytes}`,
    '',
    ...(remote
      ? [
          '  Warning: this server listens on all interfaces. Every request needs the token, and anyone who has it can read',
          '  and write everything here.',
        ]
      : ['  Requests from this machine need no token and act as the user "dev".']),
    '',
    '  Upload, confirm and download a first file:',
    '',
    ...curlFlow({ apiUrl, token: remote && token !== null ? 'TOKEN=$POSTERN_TOKEN' : null }),
    '',
    '  Variables for an application:',
    '',
  ].join('\n')
}

/** Environment variables, one per line, to paste into a shell or a file. They contain credentials. */
export function devVariables({ addresses, token, mode, config }: DevFacts): string {
  const [key] = mode.keys()
  return [
    ...(key
      ? [
          `AWS_ENDPOINT_URL_S3=${addresses.objectsUrl ?? ''}`,
          `AWS_ACCESS_KEY_ID=${key.accessKeyId}`,
          `AWS_SECRET_ACCESS_KEY=${key.secretAccessKey}`,
          `AWS_REGION=${config.objects.region}`,
        ]
      : []),
    `POSTERN_URL=${addresses.apiUrl}`,
    ...(token === null ? [] : [`POSTERN_TOKEN=${token}`]),
    `POSTERN_TEST_TOKEN=${mode.token}`,
  ].join('\n')
}

const setToken = (command: TokenCommand): string =>
  command === null ? "TOKEN='<a token from your identity provider>'" : `TOKEN=$(${command})`

/**
 * Runs as pasted in bash and zsh and needs only curl and sed. Not indented, so that the lines can be copied from any
 * terminal.
 */
export function curlFlow({ apiUrl, token }: { apiUrl: string; token: string | null }): string[] {
  const files = shellQuote(`${apiUrl}/files`)
  const auth = token === null ? '' : ' -H "authorization: Bearer $TOKEN"'
  const json = " -H 'content-type: application/json'"
  return [
    ...(token === null ? [] : [token]),
    `field() { sed -n 's/.*"'"$1"'": *"\\([^"]*\\)".*/\\1/p'; }`,
    `UPLOAD=$(curl -sS${auth}${json} -d '{"filename":"hello.txt","mimeType":"text/plain"}' ${files}/upload-url)`,
    `curl -sS -X PUT -H 'content-type: text/plain' --data-binary 'hello, postern' "$(echo "$UPLOAD" | field uploadUrl)"`,
    `FILE=$(curl -sS${auth}${json} -d "{\\"key\\":\\"$(echo "$UPLOAD" | field key)\\"}" ${files}/confirm | field id)`,
    `curl -sS "$(curl -sS${auth} "${apiUrl}/files/$FILE/download-url" | field downloadUrl)"`,
  ]
}

/** A command that creates a token for this server. It must run in the same folder with the same configuration. */
export function commandForToken(options: ConfigOptions, { sources, config }: LoadedConfig): TokenCommand {
  if (!acceptsSecret(config.auth)) return null
  const words = isOwnProject(process.cwd()) ? ['npm', 'run', '-s', 'postern', '--', 'token'] : ['postern', 'token']
  words.push('--sub', 'me')
  if (options.config !== undefined) words.push('--config', options.config)
  const path = sources.get(stateFolderKey)?.from
  if (path === 'flag' || path === 'variable') words.push('--storage', stateFolder(config))
  for (const [key, value] of Object.entries(options.set ?? {})) {
    if (/^auth\.(?!secret)/.test(key)) words.push('--set', `${key}=${value}`)
  }
  return words.map(shellQuote).join(' ')
}

function isOwnProject(folder: string): boolean {
  const file = join(folder, 'package.json')
  return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'postern'
}
