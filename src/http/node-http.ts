/**
 * node:http loaded as CommonJS. An ESM import reads every export, including WebSocket, which loads an HTTP client
 * that the server does not need. That costs 40 ms of startup and 13 MB.
 */
const http = process.getBuiltinModule('node:http')

export default http
