/**
 * node:http as CommonJS sees it. An ESM import reads every export of the module, among them WebSocket, which loads an
 * HTTP client that no server needs: 40 ms of the start and 13 MB.
 */
const http = process.getBuiltinModule('node:http')

export default http
