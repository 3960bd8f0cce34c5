import { failed, ok, reason, unknown, type Check } from '../check.ts'
import { hostSeen, said, type StoreProbe } from './store-probe.ts'
import { spanInWords } from '../../explain/span.ts'

/** Checks that the endpoint answers HTTP, with any status. */
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
    return `The host name does not resolve. Correct ${key}, or the DNS of this machine.`
  if (code === 'ECONNREFUSED') return `Nothing listens on that port. Start the store, or correct the port in ${key}.`
  if (/CERT|SELF_SIGNED|TLS|SSL/.test(code))
    return `This machine does not trust the certificate. Set NODE_EXTRA_CA_CERTS to the CA's file, or correct the host in ${key}.`
  if (code === 'EPROTO') return `The endpoint does not use TLS. Write http:// in ${key}.`
  return `Check ${key}, the network and the firewall.`
}

/** Seconds. Stores reject requests from 900 s on. The check fails earlier, because a clock that is minutes off keeps drifting. */
const tolerated = 120

/**
 * Compares the clocks by the Date header, which has a resolution of one second. If they differ, later requests are signed
 * with the store's time, so that the other checks still work.
 */
export const clock: Check<StoreProbe> = {
  name: 'clock',
  needs: ['reach'],
  async run(probe) {
    const before = probe.target.now().getTime()
    const { headers } = await probe.fetch(probe.target.endpoint, { method: 'GET' })
    const middle = (before + probe.target.now().getTime()) / 2
    // Date is cut to whole seconds, so on average half a second is missing.
    const store = Date.parse(headers.date ?? '') + 500
    if (Number.isNaN(store)) return unknown('The response of the store has no Date header.')
    const ahead = Math.round((store - middle) / 1000)
    if (Math.abs(ahead) <= tolerated) return ok(`The clocks agree to ${Math.max(1, Math.abs(ahead))} s.`)
    probe.setClock(ahead)
    return failed(
      `This machine's clock is ${spanInWords(Math.abs(ahead))} ${ahead > 0 ? 'behind' : 'ahead of'} the store's. From 15 min on, the store rejects every signature.`,
      'Set the clock by NTP (timedatectl set-ntp true). On a virtual machine, set the clock of the host too.',
    )
  },
}

const wrong: Readonly<Record<string, readonly [message: string, fix: string]>> = {
  InvalidAccessKeyId: [
    'The store does not know the access key',
    'Correct storage.s3.accessKeyId. It must be a key of this store and account.',
  ],
  SignatureDoesNotMatch: [
    'The store rejects the signature because the secret does not belong to the access key',
    'Correct storage.s3.secretAccessKey. Check for white space, and for a "$" or "#" that a file or shell removed.',
  ],
  ExpiredToken: [
    'The temporary credentials have expired',
    'Get new ones, and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN together.',
  ],
  TokenRefreshRequired: ['The temporary credentials have expired', 'Get new ones, and set all three values together.'],
  InvalidToken: [
    'The session token does not belong to the access key',
    'Set the three values that were issued together. A permanent key has no AWS_SESSION_TOKEN.',
  ],
  InvalidClientTokenId: ['The store does not know the access key', 'Correct storage.s3.accessKeyId.'],
}

/** Checks that the store accepts the signature. It does not check the permissions of the key. */
export const credentials: Check<StoreProbe> = {
  name: 'credentials',
  needs: ['reach'],
  async run(probe) {
    const answer = await probe.first()
    const arrived = hostSeen(answer)
    const { host } = new URL(probe.target.endpoint)
    if (answer.code === 'SignatureDoesNotMatch' && arrived !== null && !arrived.endsWith(host)) {
      return failed(
        `A proxy in front of the store rewrites Host: ${host} was sent, ${arrived} arrived.`,
        'Configure it to forward Host (nginx: proxy_set_header Host $http_host;), or set storage.s3.endpoint to the name that arrives.',
      )
    }
    const known = wrong[answer.code ?? '']
    if (known) return failed(`${known[0]} (${said(answer)}).`, known[1])
    if (answer.status >= 500)
      return unknown(`The store answers ${said(answer)}.`, 'Check the log of the store, and retry.')
    if (answer.code === 'RequestTimeTooSkewed')
      return unknown('The store rejects the time of the request.', 'See the check "clock".')
    if (isAboutRegion(answer.code)) return unknown('The store rejects the region.', 'See the check "region".')
    return ok(`The store accepts signatures of ${probe.target.credentials.accessKeyId}.`)
  },
}

export const isAboutRegion = (code: string | null): boolean =>
  ['AuthorizationHeaderMalformed', 'PermanentRedirect', 'IllegalLocationConstraintException'].includes(code ?? '')

/**
 * Presigned URLs stop working when the temporary credentials that signed them expire. If the gateway signs the URLs with
 * its own key, the server loses access to the bucket instead.
 */
export const session: Check<StoreProbe> = {
  name: 'session',
  async run({ target }) {
    const { expiration, longestUrl, now } = target
    if (target.credentials.sessionToken === undefined) return ok('The credentials do not expire.')
    if (expiration === null) {
      const what =
        longestUrl === null ? 'the server cannot read the bucket' : 'URLs may stop working before they expire'
      return unknown(
        `The credentials are temporary, and their expiry is unknown. When they expire, ${what}.`,
        'Give the server a role that is renewed (instance, container, web identity) instead of a fixed AWS_SESSION_TOKEN.',
      )
    }
    const left = (expiration.getTime() - now().getTime()) / 1000
    if (left <= 0)
      return failed(`The credentials expired ${spanInWords(-left)} ago.`, 'Get new ones and restart the server.')
    if (longestUrl === null)
      return ok(`The credentials are valid for ${spanInWords(left)}, and no URL is signed with them.`)
    if (left >= longestUrl) return ok(`The credentials are valid for ${spanInWords(left)}, longer than any URL.`)
    return failed(
      `The credentials expire in ${spanInWords(left)}. URLs are valid for up to ${spanInWords(longestUrl)}, but not longer than the credentials.`,
      'Shorten uploads.expiresIn and downloads.expiresIn, or use credentials that expire later.',
    )
  },
}

export const region: Check<StoreProbe> = {
  name: 'region',
  needs: ['reach'],
  async run(probe) {
    const { region: ours, settings } = probe.target
    const answer = await probe.first()
    const named =
      [answer.headers['x-amz-bucket-region']].flat()[0] ??
      /<Region>([^<]+)<\/Region>/.exec(answer.text)?.[1] ??
      /expecting '([^']+)'/.exec(answer.message ?? '')?.[1]
    const key = settings.region
    if (isAboutRegion(answer.code) || (named !== undefined && named !== ours && answer.status >= 300)) {
      const where = named === undefined ? 'another region' : `the region ${named}`
      const fix =
        named === undefined
          ? `Set ${key} and ${settings.endpoint} to those of the bucket.`
          : `Set ${key}: ${named}, and an endpoint of that region.`
      return failed(`The bucket is in ${where}, but requests are signed for ${ours} (${said(answer)}).`, fix)
    }
    if (answer.status < 300) return ok(`The store accepts signatures for ${ours}.`)
    return answer.status === 403 || answer.status === 404
      ? ok(`The store does not reject the region ${ours}.`)
      : unknown(`The store does not say whether the region is right (${said(answer)}).`)
  },
}

export const exists: Check<StoreProbe> = {
  name: 'bucket',
  needs: ['credentials'],
  async run(probe) {
    const { bucket } = probe.target
    const answer = await probe.first()
    if (answer.code === 'NoSuchBucket') {
      return failed(`There is no bucket ${bucket}.`, `Create it (aws s3 mb s3://${bucket}), or correct storage.bucket.`)
    }
    if (answer.code === 'AllAccessDisabled')
      return failed(`The bucket ${bucket} is disabled.`, 'Ask the owner of the account.')
    if (answer.status < 300) return ok(`The bucket ${bucket} exists.`)
    // Without permission to list, the store answers 403 for a missing bucket too. The check "put" finds out.
    if (answer.status === 403)
      return ok(`The bucket ${bucket} may exist, but the key may not list it (${said(answer)}).`)
    return unknown(`The bucket ${bucket} could not be checked (${said(answer)}).`)
  },
}
