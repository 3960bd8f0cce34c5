import { forward } from '../../../server/gateway.js'

/** `{filename, mimeType, size}` → where the page sends the bytes. They never pass through this server. */
export const POST = (request) => forward('/files/upload-url', request)
