/** Settings of the schema that this version cannot honour. It says so instead of starting without them. */
import type { Finding } from './check-safety.ts'
import type { Config } from './schema.ts'

const later = 'comes in a later version.'

export function checkSupported(config: Config): Finding[] {
  const found: Finding[] = []
  if (config.webhooks.length > 0) {
    found.push({ key: 'webhooks', message: `Webhooks ${later.replace('comes', 'come')} Write webhooks: []` })
  }
  if (config.objects.sendfile !== 'off') {
    found.push({ key: 'objects.sendfile', message: `Sending by nginx ${later} Write objects: { sendfile: off }` })
  }
  return found
}
