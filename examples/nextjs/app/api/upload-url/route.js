import { forward } from '../../../server/gateway.js'

/** Takes `{filename, mimeType, size}` and returns the URL for the bytes, which never pass through this server. */
export const POST = (request) => forward('/files/upload-url', request)
