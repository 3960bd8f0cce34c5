/** S3 clients that were given the address of the API: they learn where the objects endpoint is. */
import type { Middleware } from 'koa'

const isSigned = /[?&](?:X-Amz-Signature|X-Amz-Credential|AWSAccessKeyId)=/i

/** Answers a request with an AWS signature in the form that SDKs show to their users. */
export const redirectS3Clients =
  (objectsOrigin: () => string): Middleware =>
  (ctx, next) => {
    const { authorization = '' } = ctx.req.headers
    if (!/^AWS(?:4-HMAC-SHA256)? /.test(authorization) && !isSigned.test(ctx.req.url ?? '')) return next()
    ctx.status = 400
    ctx.type = 'application/xml'
    ctx.body =
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InvalidRequest</Code>' +
      `<Message>This is the JSON API. The objects endpoint is ${objectsOrigin()}: use it as the endpoint of your S3 client.</Message></Error>`
    return Promise.resolve()
  }
