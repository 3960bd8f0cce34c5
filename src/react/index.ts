/** `postern/react`: the client's uploads in a React page. */
export { createClient, UploadError } from '../client/index.ts'
