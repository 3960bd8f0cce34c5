import { forward } from '../../../server/gateway.js'

/** Takes `{id}` after the upload and returns the file's record. */
export const POST = (request) => forward('/files/confirm', request)
