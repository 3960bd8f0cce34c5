/** Directs S3 clients that were configured with the API's URL to the objects endpoint. */
import type { Middleware } from 'koa'

const isSigned = /[?&](?:X-Amz-Signature|X-Amz-Credential|AWSAccessKeyId)=/i

/** Answers requests with an AWS signature as an S3 error, which SDKs show to their users. */
export const redirectS3Clients =
  (objectsOrigin: () => string): Middleware =>
  (ctx, next) => {
    const { authorization = '' } = ctx.req.headers
    if (!/^AWS(?:4-HMAC-SHA256)? /.test(authorization) && !isSigned.test(ctx.req.url ?? '')) return next()
    ctx.status = 400
    ctx.type = 'application/xml'
    ctx.body =
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InvalidRequest</Code>' +
      `<Message>This is the JSON API. Set the endpoint of your S3 client to ${objectsOrigin()}.</Message></Error>`
    return Promise.resolve()
  }
