import { createSecretKey } from 'node:crypto'
import type { Command } from 'commander'
import { acceptsSecret } from '../api/token-refusal.ts'
import type { Config } from '../config/config.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, durationArgument, openConfig, type ConfigOptions } from './config-options.ts'
import { printJson, printNote, printResult } from './output.ts'
import { tokenSecret } from './running-server.ts'

type TokenOptions = ConfigOptions & { sub: string; expires: number }

export function addToken(program: Command): void {
  addConfigOptions(program.command('token'))
    .description('create a bearer token for a user, signed with the secret of the server on this machine')
    .requiredOption('--sub <user>', 'the user of the token')
    .option('--expires <duration>', 'how long the token is valid', durationArgument, 3600)
    .action(async (options: TokenOptions) => {
      const { config } = openConfig(options)
      if (!acceptsSecret(config.auth)) {
        throw new CliError(
          `This server accepts only tokens signed by the identity provider (auth.jwksUrl: ${config.auth.jwksUrl}). ` +
            'Get a token there, or set auth.allowSecretWithJwks: true to accept tokens from this command too.',
          2,
        )
      }
      const { jwtSecret, isForeign, url } = await tokenSecret(config)
      if (isForeign) {
        printNote(
          `The server at ${url} has another secret and will reject this token. Run the command with the options that the server was started with, e.g. --storage PATH.`,
        )
      }
      const issuedAt = new Date(Math.floor(Date.now() / 1000) * 1000)
      const expiresAt = new Date(issuedAt.getTime() + options.expires * 1000)
      const token = await signToken({ sub: options.sub, issuedAt, expiresAt, auth: config.auth, jwtSecret })
      if (options.json) printJson({ token, sub: options.sub, expiresAt: expiresAt.toISOString() })
      else printResult(token)
    })
}

type Claims = {
  sub: string
  issuedAt: Date
  expiresAt: Date
  auth: Pick<Config['auth'], 'issuer' | 'audience'>
  jwtSecret: string
}

/** Creates an HS256 token that this server accepts. */
export async function signToken({ sub, issuedAt, expiresAt, auth, jwtSecret }: Claims): Promise<string> {
  const { SignJWT } = await import('jose')
  const token = new SignJWT({}).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setSubject(sub).setIssuedAt(issuedAt)
  if (auth.issuer !== null) token.setIssuer(auth.issuer)
  if (auth.audience !== null) token.setAudience(auth.audience)
  return token.setExpirationTime(expiresAt).sign(createSecretKey(Buffer.from(jwtSecret)))
}
