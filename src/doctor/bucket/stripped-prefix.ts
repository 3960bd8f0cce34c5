import { failed, type Finding } from '../check.ts'
import type { Answer } from './store-probe.ts'

/** Null unless our endpoint says that the path of its public URL did not arrive. */
export function strippedPrefix(answer: Answer, url: string): Finding | null {
  const prefix = new URL(url).pathname.replace(/\/+$/, '')
  if (prefix === '' || answer.code !== 'InvalidURI' || !answer.message?.includes('mounted below')) return null
  return failed(
    `The store says: "${answer.message}" A proxy before ${url} removes ${prefix} from the path.`,
    `Let the proxy pass the path on as it comes: nginx "proxy_pass http://127.0.0.1:4001;" without a path, Caddy "handle" instead of "handle_path", Traefik without StripPrefix.`,
  )
}
