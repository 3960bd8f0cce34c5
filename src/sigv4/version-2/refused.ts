import { SignatureError } from '../types.ts'

const advice = {
  off:
    "Sign with version 4 (boto3: Config(signature_version='s3v4')), or set objects.sigV2: on. " +
    'The default, auto, accepts version 2 in development mode and on loopback only.',
  gateway: "The gateway's own key signs with version 4 only.",
  header: 'Version 2 is accepted in presigned URLs and forms only.',
}

/**
 * `off`: not accepted here. `gateway`: the gateway's own key never signs with version 2. `header`: never accepted,
 * because an Authorization header of version 2 does not cover the body.
 */
export const version2Refused = (why: keyof typeof advice): SignatureError =>
  new SignatureError(
    'InvalidRequest',
    `The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256. ${advice[why]}`,
  )
