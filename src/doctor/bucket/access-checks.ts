import { failed, ok, reason, unknown, type Check } from '../check.ts'
import { hostSeen, said, type StoreProbe } from './store-probe.ts'
import { spanInWords } from '../../explain/span.ts'

/** Whether anything answers at the endpoint, whatever it says. */
export const reach: Check<StoreProbe> = {
  name: 'reach',
  async run({ target, fetch }) {
    try {
      await fetch(target.endpoint, { method: 'GET' })
      return ok(`${target.endpoint} answers.`)
    } catch (error) {
      return failed(`${target.endpoint} does not answer: ${reason(error)}.`, fixFor(error, target.settings.endpoint))
    }
  },
}

function fixFor(error: unknown, key: string): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `This host name does not resolve. Correct ${key}, or the DNS of this machine.`
  if (code === 'ECONNREFUSED') return `Nothing listens there: start the store, or correct the port in ${key}.`
  if (/CERT|SELF_SIGNED|TLS|SSL/.test(code))
    return `Its certificate is not trusted: give NODE_EXTRA_CA_CERTS the CA's file, or correct the host in ${key}.`
  if (code === 'EPROTO') return `It speaks no TLS there: write http:// in ${key}.`
  return `Look at ${key}, at the network and at the firewall between.`
}

/** Seconds. Stores refuse from 900 on; a clock that is off by minutes is on its way there. */
const tolerated = 120

/** By the Date header, whose grain is a second. What follows is dated by the store's clock, so that it can be checked. */
export const clock: Check<StoreProbe> = {
  name: 'clock',
  needs: ['reach'],
  async run(probe) {
    const before = probe.target.now().getTime()
    const { headers } = await probe.fetch(probe.target.endpoint, { method: 'GET' })
    const middle = (before + probe.target.now().getTime()) / 2
    // Whole seconds, cut: half of one is what is missing on average.
    const store = Date.parse(headers.date ?? '') + 500
    if (Number.isNaN(store)) return unknown('The store tells no time: its answer has no Date.')
    const ahead = Math.round((store - middle) / 1000)
    if (Math.abs(ahead) <= tolerated) return ok(`The clocks agree to ${Math.max(1, Math.abs(ahead))} s.`)
    probe.setClock(ahead)
    return failed(
      `This machine's clock is ${spanInWords(Math.abs(ahead))} ${ahead > 0 ? 'behind' : 'ahead of'} the store's; from 15 min on every signature is refused.`,
      'Set the clock by NTP (timedatectl set-ntp true; on a virtual machine, its host too).',
    )
  },
}

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

/** Temporary credentials end, and every URL that they signed ends with them; where we sign the URLs, the server's own access does. */
export const session: Check<StoreProbe> = {
  name: 'session',
  async run({ target }) {
    const { expiration, longestUrl, now } = target
    if (target.credentials.sessionToken === undefined) return ok('The credentials have no end.')
    if (expiration === null) {
      const what =
        longestUrl === null ? 'the bucket cannot be read from then on' : 'URLs may stop working before their time'
      return unknown(
        `The credentials are temporary and do not say when they end: ${what}.`,
        'Give the server a role (instance, container, web identity), which is renewed, instead of a fixed AWS_SESSION_TOKEN.',
      )
    }
    const left = (expiration.getTime() - now().getTime()) / 1000
    if (left <= 0)
      return failed(`The credentials ended ${spanInWords(-left)} ago.`, 'Take fresh ones and restart the server.')
    if (longestUrl === null) return ok(`The credentials last ${spanInWords(left)}; no URL is signed with them.`)
    if (left >= longestUrl) return ok(`The credentials last ${spanInWords(left)}, longer than any URL.`)
    return failed(
      `The credentials end in ${spanInWords(left)}; URLs are to live ${spanInWords(longestUrl)} and end with them.`,
      'Shorten uploads.expiresIn and downloads.expiresIn, or use credentials that last longer.',
    )
  },
}

export const region: Check<StoreProbe> = {
  name: 'region',
  needs: ['reach'],
  async run(probe) {
    const { region: ours, settings } = probe.target
    const answer = await probe.first()
    const told =
      [answer.headers['x-amz-bucket-region']].flat()[0] ??
      /<Region>([^<]+)<\/Region>/.exec(answer.text)?.[1] ??
      /expecting '([^']+)'/.exec(answer.message ?? '')?.[1]
    const key = settings.region
    if (isAboutRegion(answer.code) || (told !== undefined && told !== ours && answer.status >= 300)) {
      const where = told === undefined ? 'another region' : `the region ${told}`
      const fix =
        told === undefined
          ? `Set ${key} and ${settings.endpoint} to those of the bucket.`
          : `Set ${key}: ${told}, and an endpoint of that region.`
      return failed(`The bucket is in ${where}; requests are signed for ${ours} (${said(answer)}).`, fix)
    }
    if (answer.status < 300) return ok(`Signatures for ${ours} are taken.`)
    return answer.status === 403 || answer.status === 404
      ? ok(`The store has nothing against the region ${ours}.`)
      : unknown(`It cannot be told (${said(answer)}).`)
  },
}

export const exists: Check<StoreProbe> = {
  name: 'bucket',
  needs: ['credentials'],
  async run(probe) {
    const { bucket } = probe.target
    const answer = await probe.first()
    if (answer.code === 'NoSuchBucket') {
      return failed(`There is no bucket ${bucket}.`, `Make it (aws s3 mb s3://${bucket}), or correct storage.bucket.`)
    }
    if (answer.code === 'AllAccessDisabled')
      return failed(`The bucket ${bucket} is switched off.`, 'Ask the owner of the account.')
    if (answer.status < 300) return ok(`The bucket ${bucket} is there.`)
    // Without the right to list, forbidden and absent look alike until a write says more.
    if (answer.status === 403) return ok(`The bucket ${bucket} may be there: it is not to be listed (${said(answer)}).`)
    return unknown(`The bucket ${bucket} cannot be looked at (${said(answer)}).`)
  },
}
