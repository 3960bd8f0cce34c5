/** Probable mistakes that do not stop the start. */
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
      `PORT changes only the port, so the server still listens on ${server.listen.host} only. ` +
        'If your platform forwards to PORT, set POSTERN_SERVER_LISTEN=0.0.0.0:$PORT',
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
        `auth.${key} is not set, so tokens that the same provider issued for other applications are accepted too. ${tokenClaimAdvice[key]}`,
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
      `auth.anonymous lets anyone act as user ${auth.anonymous} without credentials, ${from}. To prevent that, set auth: { anonymous: null }`,
    )
  }
  return found
}
