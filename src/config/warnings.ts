/** What is probably not meant, but does not stop the start. */
import { isLoopback } from './check-safety.ts'
import type { Source } from './config-error.ts'
import { ignoredBucketVariable, type Environment } from './environment.ts'
import { registrationOf } from '../drivers/registry.ts'
import { publicRisks } from './public-files.ts'
import type { Config } from './config.ts'
import { missingTokenClaims, tokenClaimAdvice } from './token-claims.ts'

export function findWarnings(config: Config, sources: ReadonlyMap<string, Source>, env: Environment): string[] {
  const { server, cors, auth, storage, quotas } = config
  const listen = sources.get('server.listen')
  const found: string[] = []
  if (
    listen?.from === 'variable' &&
    listen.name === 'PORT' &&
    isLoopback(server.listen.host) &&
    env['NODE_ENV'] === 'production'
  ) {
    found.push(
      `PORT changed the port alone: the server is reached on ${server.listen.host} only. ` +
        'Where a platform forwards to PORT, set POSTERN_SERVER_LISTEN=0.0.0.0:$PORT',
    )
  }
  const bucket = ignoredBucketVariable(env, storage.driver)
  if (bucket !== undefined) {
    found.push(
      `${bucket.name} is set, but files go to the ${storage.driver}. To use the bucket, set POSTERN_STORAGE_DRIVER=${bucket.driver}`,
    )
  }
  if (cors.origins.includes('*') && server.publicUrl !== 'auto' && !isLoopback(new URL(server.publicUrl).hostname)) {
    const { origin } = new URL(server.publicUrl)
    found.push(
      `cors.origins lets every web site use ${origin}. Name the origins of your pages: cors: { origins: ["${origin}"] }`,
    )
  }
  if (auth.jwksUrl !== null) {
    for (const key of missingTokenClaims(auth)) {
      found.push(
        `auth.${key} is not set: every token that a key of auth.jwksUrl signed is accepted, also those meant for other applications. ${tokenClaimAdvice[key]}`,
      )
    }
  }
  if (registrationOf(storage.driver).hasOwnUrls) {
    const unused = [
      ['storage.abortMultipartAfter', storage.abortMultipartAfter !== null],
      ['quotas.ownerBytes', typeof quotas.ownerBytes === 'number'],
      ['quotas.ownerObjects', typeof quotas.ownerObjects === 'number'],
    ].flatMap(([key, isSet]) => (isSet ? [key] : []))
    if (unused.length > 0) {
      found.push(
        `${unused.join(' and ')} ${unused.length === 1 ? 'has' : 'have'} no effect with the ${storage.driver} driver, because owners of access keys have no buckets there. Set a quota or a lifecycle rule for the bucket at its store`,
      )
    }
  }
  for (const { message, advice } of publicRisks(config)) found.push(`${message} ${advice}`)
  if (auth.anonymous !== null) {
    const from = isLoopback(server.listen.host) ? 'from this machine and through its proxies' : 'from the whole network'
    found.push(
      `auth.anonymous makes everybody without credentials the user ${auth.anonymous}, ${from}. Where that is not meant, set auth: { anonymous: null }`,
    )
  }
  return found
}
