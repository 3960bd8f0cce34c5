import { change, type Change } from './change.ts'
import type { Original } from './original.ts'

const regions = ['us-east-1', 'auto', 'us-west-2', 'eu-west-1', 'eu-central-1', 'default', '']
const emptyBody = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** Signing keys made for another region or day than the credential says, and another word on the body. */
export function plausibleScopes(sent: Original): Change[] {
  const byRegion = regions
    .filter((region) => region !== sent.region)
    .map((region) =>
      change(
        'ScopeChanged',
        { name: 'X-Amz-Credential', signed: region, sent: sent.region },
        {
          message: `The signing key was made for the region "${region}"; the credential says ${sent.region}.`,
          advice: `Give the signer one region, ${sent.region}, for both.`,
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
        message: `The body was signed as ${payload}, and this request says ${sent.payload}.`,
        advice:
          payload === emptyBody
            ? 'The signer hashed an empty body into the URL: let it sign UNSIGNED-PAYLOAD.'
            : 'Leave X-Amz-Content-Sha256 as it was issued.',
      },
      (original) => ({ ...original, payload }),
    ),
  )
  return [...byPayload, ...byRegion]
}
