import { apiUrl } from './api-url.ts'
import { objectsUrl } from './objects-url.ts'
import { server } from './server.ts'
import type { UrlCheck } from './url-subject.ts'

export const urlChecks: readonly UrlCheck[] = [server, apiUrl, objectsUrl]
