import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Config } from '../config/config.ts'
import { decodeUrl } from '../explain/decode-url.ts'
import { explainUrl, type UrlUse } from '../explain/explain-url.ts'
import { createKeyRing } from '../s3/key-ring.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { configuredKeys, givenSecret, type SecretOptions } from './explain-keys.ts'
import { answerText, explanationText, type Tried } from './explanation-text.ts'
import { assertInputFile } from './input-file.ts'
import { printJson, printResult } from './output.ts'
import { sendOnce } from './send-once.ts'
import { servesObjects } from '../config/serves-objects.ts'

type Header = readonly [name: string, value: string]
type ExplainOptions = ConfigOptions &
  SecretOptions & { method?: string; header: Header[]; body?: string; try?: boolean }

export function addExplain(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('explain <url>'))
    .description('decode a presigned URL and explain why it is or would be refused')
    .addOption(
      new Option('--method <method>', 'the method of the request').argParser((text) => {
        if (!/^[A-Za-z]+$/.test(text)) throw new InvalidArgumentError('Write a method such as PUT.')
        return text.toUpperCase()
      }),
    )
    .option('--header <header>', 'a header of the request, e.g. "content-type: image/png"; repeatable', addHeader, [])
    .option('--secret <secret>', 'the secret of the signing key; other users of this machine can see it')
    .option('--secret-file <file>', 'read the secret from a file (or the variable EXPLAIN_SECRET)')
    .option('--try', 'send the request and explain the response; PUT and POST need --body')
    .option('--body <file>', 'the file to send with --try; this writes the object')
    .addHelpText(
      'after',
      '\nURLs of this gateway are checked with its own keys. Without --method and --header the command searches for the signed request.' +
        '\nExit code 0: no problem found; 1: the URL is or would be refused; 2: wrong usage.',
    )
    .action(async (url: string, options: ExplainOptions) => exit(await explain(url, options)))
}

function addHeader(text: string, before: Header[]): Header[] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined || /[\r\n]/.test(value)) {
    throw new InvalidArgumentError('Write "name: value".')
  }
  // Header values as on the wire, one character per byte.
  return [...before, [name, Buffer.from(value, 'utf8').toString('latin1')]]
}

async function explain(url: string, options: ExplainOptions): Promise<number> {
  const { config } = openConfig(options)
  if (options.body !== undefined && !options.try) {
    throw new CliError('--body has no effect without --try. Add --try or leave --body out.', 2)
  }
  if (options.body !== undefined) assertInputFile(options.body)
  const now = new Date()
  const use: UrlUse = { method: options.method, headers: options.header }
  const explanation = explainUrl(
    url,
    { ...use, pathPrefix: prefixOf(config) },
    await trustFor(url, config, options, now),
  )
  const method = options.method ?? explanation.signedFor.method ?? 'GET'
  const tried = options.try ? await attempt({ url, method, headers: options.header, body: options.body }) : undefined
  const refused = explanation.outcome === 'refused' || (tried?.answer?.status ?? 0) >= 300 || tried?.error !== undefined
  if (options.json) {
    const { answer = null, withheld, error } = tried ?? {}
    printJson({ ok: !refused, ...explanation, answer, notSent: withheld ?? error ?? null })
  } else printResult([explanationText(explanation), ...(tried ? [answerText(tried, method)] : [])].join('\n'))
  return refused ? 1 : 0
}

/**
 * The key and region to check the URL with. A URL of another store has no known region, and no key unless one was
 * given.
 */
async function trustFor(url: string, config: Config, options: SecretOptions, now: Date) {
  const hosts = ownHosts(config)
  const { credential, host } = decode(url, now)
  const isOurs = hosts.includes(host ?? '')
  const secret = givenSecret(options)
  const region = isOurs ? config.objects.region : null
  if (secret !== null) {
    const ring = createKeyRing([{ accessKeyId: credential?.accessKeyId ?? '', secretAccessKey: secret, owner: '' }])
    return { region, keys: ring, now, hosts }
  }
  const ring = createKeyRing(configuredKeys(config), () => now)
  const known = credential !== null && ring.find(credential.accessKeyId) !== undefined
  return { region, keys: known || isOurs ? ring : null, now, hosts }
}

function decode(url: string, now: Date): ReturnType<typeof decodeUrl> {
  try {
    return decodeUrl(url, now)
  } catch (cause) {
    throw new CliError((cause as Error).message, 2, { cause })
  }
}

/** Hosts of this gateway's presigned URLs. */
function ownHosts(config: Config): string[] {
  if (!servesObjects(config)) return []
  const { objects, server } = config
  const listen = objects.listen === 'shared' ? server.listen : objects.listen
  const published = objects.publicUrl === 'auto' ? [] : [new URL(objects.publicUrl).host]
  const shared = objects.listen === 'shared' && server.publicUrl !== 'auto' ? [new URL(server.publicUrl).host] : []
  return [...published, ...shared, `${listen.host}:${listen.port}`, `localhost:${listen.port}`]
}

function prefixOf({ objects }: Config): string {
  if (objects.publicUrl !== 'auto') return new URL(objects.publicUrl).pathname.replace(/\/$/, '')
  return objects.listen === 'shared' ? '/objects' : ''
}

/** A URL may permit a change, so only reads are sent without an explicit body. */
async function attempt(o: Parameters<typeof sendOnce>[0]): Promise<Tried> {
  if (o.method === 'DELETE') return { withheld: 'Not sent, because DELETE would delete the object.' }
  if (!['GET', 'HEAD', 'PUT', 'POST'].includes(o.method))
    return { withheld: `Not sent, because --try does not support ${o.method}.` }
  if (['PUT', 'POST'].includes(o.method) && o.body === undefined) {
    return { withheld: `Not sent, because ${o.method} would write. Name the file to send with --body FILE.` }
  }
  try {
    return { answer: await sendOnce(['PUT', 'POST'].includes(o.method) ? o : { ...o, body: undefined }) }
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException
    return { error: `Could not reach the store: ${message || code}` }
  }
}
