/** The claims that must be checked so that only tokens for this server are accepted with `auth.jwksUrl`. */
import type { Config } from './config.ts'

type TokenClaim = 'issuer' | 'audience'

export const missingTokenClaims = ({ issuer, audience }: Pick<Config['auth'], TokenClaim>): TokenClaim[] => [
  ...(issuer === null ? (['issuer'] as const) : []),
  ...(audience === null ? (['audience'] as const) : []),
]

export const tokenClaimAdvice: Readonly<Record<TokenClaim, string>> = {
  issuer: 'Set auth.issuer to the `iss` of your tokens.',
  audience: 'Set auth.audience to the `aud` of your tokens, usually the client id of your application.',
}

/** Hosts whose key sets verify the tokens of many customers. */
const publicProviders: Readonly<Record<string, readonly string[]>> = {
  Google: ['www.googleapis.com', 'accounts.google.com'],
  Microsoft: [
    'login.microsoftonline.com',
    'login.microsoftonline.us',
    'login.partner.microsoftonline.cn',
    'login.windows.net',
    'sts.windows.net',
    'login.live.com',
  ],
  Apple: ['appleid.apple.com'],
  GitHub: ['token.actions.githubusercontent.com', 'github.com'],
  GitLab: ['gitlab.com'],
  Bitbucket: ['api.bitbucket.org'],
  CircleCI: ['oidc.circleci.com'],
  Buildkite: ['agent.buildkite.com'],
  Facebook: ['www.facebook.com', 'limited.facebook.com'],
  LinkedIn: ['www.linkedin.com'],
  Twitch: ['id.twitch.tv'],
  Slack: ['slack.com'],
  Discord: ['discord.com'],
  Yahoo: ['api.login.yahoo.com'],
  LINE: ['api.line.me'],
  Kakao: ['kauth.kakao.com'],
  Salesforce: ['login.salesforce.com', 'test.salesforce.com'],
  PayPal: ['www.paypal.com', 'api.paypal.com', 'www.paypalobjects.com'],
}

/** The name of a well-known provider whose keys sign the tokens of all applications, or null. */
export function publicProvider({ hostname }: URL): string | null {
  const host = hostname.replace(/\.$/, '')
  return Object.entries(publicProviders).find(([, hosts]) => hosts.includes(host))?.[0] ?? null
}
