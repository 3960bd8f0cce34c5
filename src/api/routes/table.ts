import type { Route } from '../deps.ts'
import {
  cancelMultipart,
  createMultipart,
  joinParts,
  listSentParts,
  signPart,
  signParts,
  uploadParams,
} from './companion.ts'
import { describe } from './docs.ts'
import { listUploads, showSettings, showStatus, streamLog } from './console.ts'
import { content, issueDownloadUrl, publicContent } from './downloads.ts'
import { list, read, remove, showUsage, update } from './files.ts'
import { live, ready } from './health.ts'
import { createLink, followLink, listLinks, revokeLink } from './links.ts'
import { showMetrics } from './metrics.ts'
import { abort, begin, complete, issuePartUrls, listParts, partListBytes } from './multipart.ts'
import { confirm, issuePublicUploadUrl, issueUploadUrl, renewUploadUrl } from './uploads.ts'

/** Every route, in matching order. GET also answers HEAD, unless the route changes something. */
export const routes: readonly Route[] = [
  { method: 'POST', path: '/files/upload-url', access: 'user', issues: true, grants: true, run: issueUploadUrl },
  { method: 'POST', path: '/api/upload-url', access: 'user', issues: true, grants: true, run: issuePublicUploadUrl },
  { method: 'POST', path: '/files/:id/upload-url', access: 'user', issues: true, grants: true, run: renewUploadUrl },
  { method: 'POST', path: '/files/confirm', access: 'user', run: confirm },

  { method: 'POST', path: '/files/multipart', access: 'user', issues: true, grants: true, run: begin },
  { method: 'POST', path: '/files/multipart/:id/parts', access: 'user', grants: true, run: issuePartUrls },
  { method: 'GET', path: '/files/multipart/:id/parts', access: 'user', run: listParts },
  { method: 'POST', path: '/files/multipart/:id/complete', access: 'user', maxBody: partListBytes, run: complete },
  { method: 'DELETE', path: '/files/multipart/:id', access: 'user', run: abort },

  { method: 'GET', path: '/s3/params', access: 'user', issues: true, grants: true, changes: true, run: uploadParams },
  { method: 'POST', path: '/s3/multipart', access: 'user', issues: true, grants: true, run: createMultipart },
  { method: 'GET', path: '/s3/multipart/:id/batch', access: 'user', grants: true, run: signParts },
  { method: 'GET', path: '/s3/multipart/:id/:n', access: 'user', grants: true, run: signPart },
  { method: 'GET', path: '/s3/multipart/:id', access: 'user', run: listSentParts },
  { method: 'POST', path: '/s3/multipart/:id/complete', access: 'user', maxBody: partListBytes, run: joinParts },
  { method: 'DELETE', path: '/s3/multipart/:id', access: 'user', run: cancelMultipart },

  { method: 'GET', path: '/files', access: 'user', run: list },
  { method: 'GET', path: '/files/usage', access: 'user', run: showUsage },
  { method: 'GET', path: '/files/:id', access: 'user', run: read },
  { method: 'PATCH', path: '/files/:id', access: 'user', run: update },
  { method: 'DELETE', path: '/files/:id', access: 'user', run: remove },

  { method: 'GET', path: '/files/:id/download-url', access: 'user', run: issueDownloadUrl },
  { method: 'GET', path: '/files/:id/content', access: 'user', run: content },
  { method: 'POST', path: '/files/:id/links', access: 'user', run: createLink },
  { method: 'GET', path: '/files/:id/links', access: 'user', run: listLinks },
  { method: 'DELETE', path: '/files/:id/links/:link', access: 'user', run: revokeLink },
  { method: 'GET', path: '/l/:token', access: 'anyone', run: followLink },
  { method: 'GET', path: '/public/{*key}', access: 'anyone', run: publicContent },

  { method: 'GET', path: '/openapi.json', access: 'anyone', run: describe(() => routes) },

  { method: 'GET', path: '/console/status', access: 'user', run: showStatus },
  { method: 'GET', path: '/console/uploads', access: 'user', run: listUploads },
  { method: 'GET', path: '/console/log', access: 'user', run: streamLog },
  { method: 'GET', path: '/console/settings', access: 'admin', run: showSettings },

  { method: 'GET', path: '/healthz', access: 'anyone', run: live },
  { method: 'GET', path: '/readyz', access: 'anyone', run: ready },
  { method: 'GET', path: '/metrics', access: 'operator', run: showMetrics },
]
