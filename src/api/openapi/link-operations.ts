import { linkInput } from '../input.ts'
import * as answers from './answers.ts'
import type { Operation } from './operation.ts'

/** Counted, revocable links to files. */
export const linkOperations: Readonly<Record<string, Operation>> = {
  'POST /files/:id/links': {
    id: 'createLink',
    tag: 'Files',
    summary: 'Make a counted, revocable link to a file',
    description: 'Whoever has the URL may read the file, without signing in.',
    body: linkInput,
    answers: { 201: { description: 'The only answer that holds the URL', schema: answers.createdLink } },
    refusals: ['InvalidArgument', 'NotFound', 'UploadIncomplete', 'QuotaExceeded', 'NotSupported'],
  },
  'GET /files/:id/links': {
    id: 'listLinks',
    tag: 'Files',
    summary: "List a file's links",
    answers: { 200: { description: 'All of them', schema: answers.linkList } },
    refusals: ['NotFound'],
  },
  'DELETE /files/:id/links/:link': {
    id: 'revokeLink',
    tag: 'Files',
    summary: 'Revoke a link, and the redirects it has handed out',
    answers: { 204: { description: 'It is gone' } },
    refusals: ['NotFound'],
  },
  'GET /l/:token': {
    id: 'followLink',
    tag: 'Files',
    summary: 'Redirect to the bytes that a link leads to, and count the use',
    description:
      'One reader counts once in 60 seconds: the same address and user agent, or the cookie that the answer sets. HEAD counts nothing. Unknown, revoked, expired and spent links are answered alike.',
    answers: {
      204: { description: 'The request is a prefetch (Sec-Purpose): it is not counted and gets no URL' },
      302: { description: 'A presigned URL of the object', headers: { location: 'Where the bytes are' } },
    },
    refusals: ['NotFound', 'NotSupported'],
  },
}
