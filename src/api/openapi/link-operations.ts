import { linkInput } from '../input.ts'
import * as answers from './answers.ts'
import type { Operation } from './operation.ts'

/** Share links: counted and revocable. */
export const linkOperations: Readonly<Record<string, Operation>> = {
  'POST /files/:id/links': {
    id: 'createLink',
    tag: 'Files',
    summary: 'Create a share link to a file',
    description:
      'Anyone with the URL can read the file without signing in. The server counts uses, and the link can be revoked.',
    body: linkInput,
    answers: { 201: { description: 'The only response that contains the URL', schema: answers.createdLink } },
    refusals: ['InvalidArgument', 'NotFound', 'UploadIncomplete', 'QuotaExceeded', 'NotSupported'],
  },
  'GET /files/:id/links': {
    id: 'listLinks',
    tag: 'Files',
    summary: "List a file's share links",
    answers: { 200: { description: 'All links', schema: answers.linkList } },
    refusals: ['NotFound'],
  },
  'DELETE /files/:id/links/:link': {
    id: 'revokeLink',
    tag: 'Files',
    summary: 'Revoke a share link and the redirects it has issued',
    answers: { 204: { description: 'The link was revoked' } },
    refusals: ['NotFound'],
  },
  'GET /l/:token': {
    id: 'followLink',
    tag: 'Files',
    summary: 'Redirect to the file of a share link and count the use',
    description:
      'A reader counts once in 60 seconds. A reader is identified by address and user agent, or by the cookie that the response sets. HEAD is not counted. Unknown, revoked, expired and used-up links get the same response.',
    answers: {
      204: { description: 'The request is a prefetch (Sec-Purpose), which is not counted and gets no URL' },
      302: { description: 'A presigned URL of the object', headers: { location: 'Location of the bytes' } },
    },
    refusals: ['NotFound', 'NotSupported'],
  },
}
