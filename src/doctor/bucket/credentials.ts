import { failed, ok, unknown, type Check } from '../check.ts'
import { hostSeen, said, type StoreProbe } from './store-probe.ts'

const wrong: Readonly<Record<string, readonly [message: string, fix: string]>> = {
  InvalidAccessKeyId: [
    'The store does not know the access key',
    'Correct storage.s3.accessKeyId; is it a key of this store and account?',
  ],
  SignatureDoesNotMatch: [
    'The store does not accept the signature: the secret does not belong to the access key',
    'Correct storage.s3.secretAccessKey; watch for white space, and for a "$" or "#" that a file or shell swallowed.',
  ],
  ExpiredToken: [
    'The temporary credentials have ended',
    'Take fresh ones: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN together.',
  ],
  TokenRefreshRequired: ['The temporary credentials have ended', 'Take fresh ones, all three values together.'],
  InvalidToken: [
    'The session token does not belong to the access key',
    'Set the three values that were issued together, or no AWS_SESSION_TOKEN for a lasting key.',
  ],
  InvalidClientTokenId: ['The store does not know the access key', 'Correct storage.s3.accessKeyId.'],
}

/** Whether the store takes the signature; what the key may do is another matter. */
export const credentials: Check<StoreProbe> = {
  name: 'credentials',
  needs: ['reach'],
  async run(probe) {
    const answer = await probe.first()
    const arrived = hostSeen(answer)
    const { host } = new URL(probe.target.endpoint)
    if (answer.code === 'SignatureDoesNotMatch' && arrived !== null && !arrived.endsWith(host)) {
      return failed(
        `A proxy before the store rewrites Host: ${host} was sent, ${arrived} arrived.`,
        'Let it pass Host on (nginx: proxy_set_header Host $http_host;), or set storage.s3.endpoint to the name that arrives.',
      )
    }
    const known = wrong[answer.code ?? '']
    if (known) return failed(`${known[0]} (${said(answer)}).`, known[1])
    if (answer.status >= 500) return unknown(`The store answers ${said(answer)}.`, 'Look into its log, and try again.')
    if (answer.code === 'RequestTimeTooSkewed')
      return unknown('The store refuses the time of the request.', 'See the check clock.')
    if (isAboutRegion(answer.code)) return unknown('The store looked at the region first.', 'See the check region.')
    return ok(`The store takes signatures of ${probe.target.credentials.accessKeyId}.`)
  },
}

export const isAboutRegion = (code: string | null): boolean =>
  ['AuthorizationHeaderMalformed', 'PermanentRedirect', 'IllegalLocationConstraintException'].includes(code ?? '')
