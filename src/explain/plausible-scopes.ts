import { change, type Change } from './change.ts'
import type { Original } from './original.ts'

const regions = ['us-east-1', 'auto', 'us-west-2', 'eu-west-1', 'eu-central-1', 'default', '']
const emptyBody = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** A signing key for another region or day than the credential's, and another payload line. */
export function plausibleScopes(sent: Original): Change[] {
  const byRegion = regions
    .filter((region) => region !== sent.region)
    .map((region) =>
      change(
        'ScopeChanged',
        { name: 'X-Amz-Credential', signed: region, sent: sent.region },
        {
          message: `The signing key is for the region "${region}", but the credential says ${sent.region}.`,
          advice: `Configure one region, ${sent.region}, for both.`,
        },
        (original) => ({ ...original, region }),
      ),
    )
  const payloads = ['UNSIGNED-PAYLOAD', emptyBody].filter((payload) => payload !== sent.payload)
  const byPayload = payloads.map((payload) =>
    change(
      'PayloadChanged',
      { name: 'x-amz-content-sha256', signed: payload, sent: sent.payload },
      {
        message: `The body was signed as ${payload}, but this request says ${sent.payload}.`,
        advice:
          payload === emptyBody
            ? 'The signer put the hash of an empty body into the URL. Configure it to sign UNSIGNED-PAYLOAD.'
            : 'Do not change X-Amz-Content-Sha256.',
      },
      (original) => ({ ...original, payload }),
    ),
  )
  return [...byPayload, ...byRegion]
}
