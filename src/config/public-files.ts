/** Finds settings that let public files harm the people who open them, for `postern serve` and `postern doctor`. */
import { isActiveType } from '../active-type.ts'
import type { Config } from './config.ts'
import { registrationOf } from '../drivers/registry.ts'

export type PublicRisk = { message: string; advice: string }

export function publicRisks(config: Config): PublicRisk[] {
  const { uploads, downloads, storage } = config
  if (!uploads.allowPublic) return []
  const servedByStore = registrationOf(storage.driver).hasOwnUrls ? downloads.publicBaseUrl : null
  return [
    ...activeTypes(uploads.allowedTypes, servedByStore),
    ...inlineTypes(downloads.inlineTypes, servedByStore),
    ...sharedOrigin(config, servedByStore),
  ]
}

function activeTypes(allowed: readonly string[], servedByStore: string | null): PublicRisk[] {
  const named = allowed.filter(isActiveType)
  // A bucket or a CDN never has such files, because Postern refuses to make them public there.
  if (named.length === 0 || servedByStore !== null) return []
  return [
    {
      message: `uploads.allowedTypes names ${named.join(', ')}. Anyone can open public files of these types, and browsers run scripts in them.`,
      advice:
        'Remove these types, or use a separate origin for the objects endpoint. A pattern such as image/* allows them for private files only.',
    },
  ]
}

function inlineTypes(inline: readonly string[], servedByStore: string | null): PublicRisk[] {
  const named = inline.filter(isActiveType)
  if (named.length === 0) return []
  const where = servedByStore === null ? 'The objects endpoint' : servedByStore
  return [
    {
      message: `downloads.inlineTypes names ${named.join(', ')}. ${where} serves such files inline, and browsers run scripts in them.`,
      advice: 'Remove these types from downloads.inlineTypes.',
    },
  ]
}

function sharedOrigin({ server, cors }: Config, servedByStore: string | null): PublicRisk[] {
  if (servedByStore === null) return []
  const { origin } = new URL(servedByStore)
  const api = server.publicUrl === 'auto' ? [] : [new URL(server.publicUrl).origin]
  const isShared = [...api, ...cors.origins].includes(origin)
  if (!isShared) return []
  return [
    {
      message: `downloads.publicBaseUrl serves the files of users on ${origin}, which is an origin of your application.`,
      advice: 'Serve public files from a separate domain. Otherwise, a script in a file could act as your page.',
    },
  ]
}
