import { forward } from '../../../server/gateway.js'

/** `{id}`, once the bytes are there → the file's record. */
export const POST = (request) => forward('/files/confirm', request)
