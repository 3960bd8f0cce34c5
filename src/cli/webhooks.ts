/** Commands for webhooks: recent deliveries, redelivery and a test message. */
import { randomUUID } from 'node:crypto'
import { InvalidArgumentError, type Command } from 'commander'
import type { Catalog, Delivery, DeliveryState } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import { shownHook as shown } from '../config/show-config.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { openCatalog } from './open-store.ts'
import { printJson, printResult } from './output.ts'

type ListOptions = ConfigOptions & { state?: DeliveryState; limit: number }
type TestOptions = ConfigOptions & { url?: string }

const states: readonly DeliveryState[] = ['pending', 'delivered', 'failed']

export function addWebhooks(program: Command, exit: (code: number) => void): void {
  const webhooks = program.command('webhooks').description('inspect and test webhook endpoints')
  addConfigOptions(webhooks.command('list'))
    .description('show the endpoints and the last deliveries, newest first')
    .option('--state <state>', `only deliveries that are ${states.join(', ')}`, stateArgument)
    .option('--limit <number>', 'number of deliveries', limitArgument, 20)
    .action(list)
  addConfigOptions(webhooks.command('replay'))
    .argument('<id>', 'the message id (msg_…) from `list`')
    .description('deliver a message again to all its endpoints; a running server does so at once')
    .action(replay)
  addConfigOptions(webhooks.command('test'))
    .option('--url <url>', 'only this endpoint')
    .description('send a signed webhook.test to each endpoint now; an endpoint that accepts it is re-enabled')
    .addHelpText('after', '\nExit code 0: all endpoints accepted it; 1: at least one did not; 2: wrong usage.')
    .action(async (options: TestOptions) => exit(await test(options)))
}

function stateArgument(text: string): DeliveryState {
  const state = states.find((name) => name === text)
  if (state === undefined) throw new InvalidArgumentError(`Write one of ${states.join(', ')}.`)
  return state
}

function limitArgument(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > 1000) throw new InvalidArgumentError('Write a number from 1 to 1000.')
  return limit
}

async function list(options: ListOptions): Promise<void> {
  const { config } = openConfig(options)
  const { off, deliveries } = await withCatalog(config, async (catalog) => ({
    off: await catalog.switchedOff(),
    deliveries: await catalog.listDeliveries({ limit: options.limit, ...(options.state && { state: options.state }) }),
  }))
  const offSince = (url: string): Date | null => off.find((entry) => entry.url === url)?.since ?? null
  const endpoints = config.webhooks.map(({ url, events }) => ({ url: shown(url), events, offSince: offSince(url) }))
  if (options.json) {
    printJson({ endpoints, deliveries: deliveries.map(withoutData) })
    return
  }
  for (const { url, events, offSince: since } of endpoints) {
    const state = since === null ? 'on' : `disabled since ${since.toISOString()}, because it answered 410`
    printResult(`${url}  ${state}  ${events.join(', ')}`)
  }
  if (endpoints.length === 0) printResult('No webhooks are configured.')
  for (const delivery of deliveries) printResult(inWords(delivery))
}

const withoutData = ({ eventId, type, at, url, state, tries, nextAt, attempts }: Delivery) => ({
  eventId,
  type,
  at,
  url: shown(url),
  state,
  tries,
  nextAt,
  attempts,
})

function inWords({ eventId, type, at, url, state, tries, nextAt, attempts }: Delivery): string {
  const why = attempts.at(-1)?.error ?? null
  const next = nextAt === null || tries === 0 ? '' : `, next at ${nextAt.toISOString()}`
  const head = `${at.toISOString()}  ${eventId}  ${type}  ${state}`
  return `${head}  ${shown(url)}${why === null ? '' : `  (attempt ${tries}: ${why}${next})`}`
}

async function replay(id: string, options: ConfigOptions): Promise<void> {
  const { config } = openConfig(options)
  const replayed = await withCatalog(config, (catalog) => catalog.replayEvent(id, new Date()))
  if (replayed === 0) throw new CliError(`There is no message ${id}. To list messages, run: postern webhooks list`, 1)
  if (options.json) printJson({ ok: true, id, deliveries: replayed })
  else printResult(`${id} will be delivered again to ${replayed} endpoint${replayed === 1 ? '' : 's'}.`)
}

async function test(options: TestOptions): Promise<number> {
  const { config } = openConfig(options)
  const hooks = config.webhooks.filter(({ url }) => options.url === undefined || url === options.url)
  if (hooks.length === 0) throw nothingToTest(config, options)
  const [{ post }, { signMessage }, { answerWithin, errorOf }] = await Promise.all([
    import('../webhooks/post.ts'),
    import('../webhooks/message.ts'),
    import('../webhooks/deliver.ts'),
  ])
  const results = await withCatalog(config, (catalog) =>
    Promise.all(
      hooks.map(async ({ url, secret, allowPrivate }) => {
        const now = new Date()
        const id = `msg_${randomUUID().replaceAll('-', '')}`
        const message = signMessage({ id, type: 'webhook.test', at: now, data: {} }, secret, now)
        const { signal } = new AbortController()
        const posted = await post({ url, ...message, allowPrivate, timeout: answerWithin, signal })
        const error = errorOf(posted)
        const switchedOn = error === null && (await catalog.switchOn(url))
        return { url: shown(url), id, ok: error === null, status: posted.status, error, switchedOn }
      }),
    ),
  )
  const ok = results.every((result) => result.ok)
  if (options.json) printJson({ ok, results })
  for (const { url, status, error, switchedOn } of options.json ? [] : results) {
    const good = `answered ${status}${switchedOn ? ' and is enabled again' : ''}`
    printResult(`${error === null ? '✔' : '✖'} ${url}  ${error ?? good}`)
  }
  return ok ? 0 : 1
}

function nothingToTest({ webhooks }: Config, { url }: TestOptions): CliError {
  if (webhooks.length === 0) return new CliError('No webhooks are configured. See docs/webhooks.md.', 2)
  const known = webhooks.map((hook) => shown(hook.url)).join(', ')
  return new CliError(`${shown(url ?? '')} is not a configured webhook. Configured: ${known}.`, 2)
}

async function withCatalog<T>(config: Config, work: (catalog: Catalog) => Promise<T>): Promise<T> {
  const catalog = await openCatalog(config)
  try {
    return await work(catalog)
  } finally {
    await catalog.close()
  }
}
