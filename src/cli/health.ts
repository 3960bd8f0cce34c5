import { InvalidArgumentError, type Command } from 'commander'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { localAddress } from './local-address.ts'
import { printJson, printNote, printResult } from './output.ts'

type HealthOptions = ConfigOptions & { url?: URL }

type Health = { ok: boolean; url: string; status: number | null; detail: string }

/** Milliseconds for the whole response. Shorter than the timeout of a container's health check. */
const timeoutMs = 4000

export function addHealth(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('health'))
    .description('check whether the server on this machine is ready (GET /readyz); exit code 1 if not')
    .option('--url <url>', 'check the server at this URL instead of server.listen', urlArgument)
    .action(async (options: HealthOptions) => {
      const base = options.url ?? new URL(localAddress(openConfig(options, { quiet: true }).config.server.listen))
      const health = await askReadiness(base)
      if (options.json) printJson(health)
      else if (health.ok) printResult(health.detail)
      else printNote(`${health.url}: ${health.detail}`)
      exit(health.ok ? 0 : 1)
    })
}

function urlArgument(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('Write a URL such as http://127.0.0.1:4000.')
  return url
}

async function askReadiness(base: URL): Promise<Health> {
  const url = `${base.href.replace(/[?#].*$/, '').replace(/\/+$/, '')}/readyz`
  try {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    const body: unknown = await answer.json().catch(() => null)
    const ok = answer.status === 200 && field(body, 'status') === 'ready'
    const detail = ok
      ? 'ready'
      : (field(body, 'detail') ??
        `answered ${answer.status}, but not like Postern. Check that --url points to a Postern server.`)
    return { ok, url, status: answer.status, detail }
  } catch (error) {
    return { ok: false, url, status: null, detail: reasonOf(error) }
  }
}

const field = (body: unknown, name: string): string | undefined => {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined
  return typeof value === 'string' ? value : undefined
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no response within ${timeoutMs / 1000} s.`
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  return code === 'ECONNREFUSED' ? 'nothing listens there. Check that the server is running.' : (code ?? error.message)
}
