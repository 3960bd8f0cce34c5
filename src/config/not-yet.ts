/** Settings of the schema that this version cannot honour. It says so instead of starting without them. */
import type { Finding } from './check-safety.ts'
import type { Config } from './schema.ts'

const later = 'comes in a later version.'

export function checkSupported(config: Config): Finding[] {
  const found: Finding[] = []
  if (config.database.url.startsWith('postgres')) {
    const message = `PostgreSQL ${later} Write database: { url: "sqlite:storage/catalog.sqlite" }; where DATABASE_URL is meant for another program, POSTERN_DATABASE_URL goes before it.`
    found.push({ key: 'database.url', message })
  }
  if (config.limits.store !== 'memory') {
    found.push({ key: 'limits.store', message: `Redis ${later} Write limits: { store: memory }` })
  }
  if (config.server.workers !== 1) {
    found.push({ key: 'server.workers', message: `More than one worker ${later} Write server: { workers: 1 }` })
  }
  if (config.webhooks.length > 0) {
    found.push({ key: 'webhooks', message: `Webhooks ${later.replace('comes', 'come')} Write webhooks: []` })
  }
  if (config.objects.sendfile !== 'off') {
    found.push({ key: 'objects.sendfile', message: `Sending by nginx ${later} Write objects: { sendfile: off }` })
  }
  return found
}
