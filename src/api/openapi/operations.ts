/** What the description of the API says of each route. A test holds it against the routes table, both ways. */
import { z } from 'zod'
import { confirmInput, downloadQuery, listQuery, patchInput, renewInput, uploadInput } from '../input.ts'
import { beginMultipartInput, completeInput, issuePartsInput } from '../multipart-input.ts'
import type { ProblemCode } from '../problem.ts'
import * as answers from './answers.ts'
import { companionOperations } from './companion-operations.ts'
import { consoleOperations } from './console-operations.ts'
import { linkOperations } from './link-operations.ts'
import type { Answer, Operation } from './operation.ts'

const aliases =
  'Names that other clients use are accepted too: `fileName`, `fileType`, `contentType`, `fileSize`. A URL is good for one object, and for what was declared.'

/** What an upload can be refused for before a URL is issued. */
const admission = [
  'InvalidArgument',
  'InvalidDigest',
  'MetadataTooLarge',
  'AccessDenied',
  'TypeNotAllowed',
  'EntityTooLarge',
  'NotSupported',
  'QuotaExceeded',
] as const satisfies readonly ProblemCode[]

/** What the stored object can be refused for. */
const verification = [
  'InvalidArgument',
  'InvalidDigest',
  'InvalidRequest',
  'NotFound',
  'UploadIncomplete',
  'UploadMismatch',
  'QuotaExceeded',
  'ConditionalConflict',
] as const satisfies readonly ProblemCode[]

const issued: Answer = { description: 'Send the bytes there', schema: answers.issuedUpload }
const location = { location: "The file's address" }
const confirmed: Record<number, Answer> = {
  200: { description: 'It was confirmed before: the same body', schema: answers.confirmedFile, headers: location },
  201: { description: 'The file is confirmed', schema: answers.confirmedFile, headers: location },
}
const redirect: Answer = { description: 'A presigned URL of the object', headers: { location: 'Where the bytes are' } }
const health: Answer = { description: 'Yes', schema: answers.health }

export const operations: Readonly<Record<string, Operation>> = {
  'POST /files/upload-url': {
    id: 'issueUploadUrl',
    tag: 'Uploads',
    summary: 'Issue an upload URL',
    description: aliases,
    body: uploadInput,
    answers: { 200: issued },
    refusals: admission,
  },
  'POST /api/upload-url': {
    id: 'issuePublicUploadUrl',
    tag: 'Uploads',
    summary: 'Issue an upload URL for a public file that confirms itself',
    description: `Shorthand for \`visibility: public, autoConfirm: true\`. ${aliases}`,
    body: uploadInput,
    answers: { 200: issued },
    refusals: admission,
  },
  'POST /files/:id/upload-url': {
    id: 'renewUploadUrl',
    tag: 'Uploads',
    summary: 'Issue a fresh URL for a pending upload',
    body: renewInput,
    answers: { 200: issued },
    refusals: ['InvalidArgument', 'NotFound', 'ConditionalConflict', 'NotSupported', 'InvalidRequest'],
  },
  'POST /files/confirm': {
    id: 'confirmUpload',
    tag: 'Uploads',
    summary: 'Verify the stored object and record the file',
    description: 'Send `key` or `id`. Size, type and checksum come from the store, never from this request.',
    body: confirmInput,
    answers: confirmed,
    refusals: verification,
  },

  'POST /files/multipart': {
    id: 'beginMultipart',
    tag: 'Multipart',
    summary: 'Start a multipart upload',
    body: beginMultipartInput,
    answers: { 200: { description: 'Ask for part URLs next', schema: answers.begunMultipart } },
    refusals: admission,
  },
  'POST /files/multipart/:id/parts': {
    id: 'issuePartUrls',
    tag: 'Multipart',
    summary: 'Issue URLs for parts',
    body: issuePartsInput,
    answers: { 200: { description: 'One URL a part', schema: answers.issuedParts } },
    refusals: ['InvalidArgument', 'InvalidRequest', 'NotFound', 'NoSuchUpload', 'ConditionalConflict'],
  },
  'GET /files/multipart/:id/parts': {
    id: 'listParts',
    tag: 'Multipart',
    summary: 'List the parts that the store has',
    answers: { 200: { description: 'All of them', schema: answers.sentParts } },
    refusals: ['InvalidRequest', 'NotFound', 'NoSuchUpload', 'ConditionalConflict'],
  },
  'POST /files/multipart/:id/complete': {
    id: 'completeMultipart',
    tag: 'Multipart',
    summary: 'Complete and confirm; repeatable',
    description: 'Without `parts`, all that the store has are joined.',
    body: completeInput,
    answers: confirmed,
    refusals: [...verification, 'InvalidPart', 'InvalidPartOrder', 'EntityTooSmall', 'EntityTooLarge', 'NoSuchUpload'],
  },
  'DELETE /files/multipart/:id': {
    id: 'abortMultipart',
    tag: 'Multipart',
    summary: 'Abort, and remove the parts',
    answers: { 204: { description: 'It is gone' } },
    refusals: ['NotFound', 'InvalidRequest', 'ConditionalConflict'],
  },

  ...companionOperations,

  'GET /files': {
    id: 'listFiles',
    tag: 'Files',
    summary: "List the caller's files, newest first",
    query: listQuery,
    answers: { 200: { description: 'One page', schema: answers.filePage } },
    refusals: ['InvalidArgument'],
  },
  'GET /files/usage': {
    id: 'getUsage',
    tag: 'Files',
    summary: 'Bytes and files used and reserved, and the quota',
    answers: { 200: { description: "The caller's", schema: answers.usageReport } },
  },
  'GET /files/:id': {
    id: 'getFile',
    tag: 'Files',
    summary: "Read a file's record",
    answers: { 200: { description: 'The record', schema: answers.fileRecord } },
    refusals: ['NotFound'],
  },
  'PATCH /files/:id': {
    id: 'updateFile',
    tag: 'Files',
    summary: 'Rename a file, or replace its metadata',
    body: patchInput,
    answers: { 200: { description: 'The record as it is now', schema: answers.fileRecord } },
    refusals: ['InvalidArgument', 'MetadataTooLarge', 'NotFound'],
  },
  'DELETE /files/:id': {
    id: 'deleteFile',
    tag: 'Files',
    summary: 'Delete record and object',
    answers: { 204: { description: 'It is gone' } },
    refusals: ['NotFound'],
  },
  'GET /files/:id/download-url': {
    id: 'issueDownloadUrl',
    tag: 'Files',
    summary: 'Issue a download URL',
    query: downloadQuery,
    answers: { 200: { description: 'Good for GET, and for HEAD', schema: answers.issuedDownload } },
    refusals: ['InvalidArgument', 'NotFound', 'UploadIncomplete'],
  },
  'GET /files/:id/content': {
    id: 'getContent',
    tag: 'Files',
    summary: 'Redirect to the bytes, so that an <img> can show them',
    query: downloadQuery,
    answers: { 302: redirect },
    refusals: ['InvalidArgument', 'NotFound', 'UploadIncomplete'],
  },
  ...linkOperations,
  'GET /public/{*key}': {
    id: 'getPublicContent',
    tag: 'Files',
    summary: 'Redirect to the bytes of a public file',
    answers: { 302: redirect },
    refusals: ['NotFound'],
  },

  ...consoleOperations,

  'GET /healthz': {
    id: 'getHealth',
    tag: 'Server',
    summary: 'Is the process alive?',
    answers: { 200: health },
  },
  'GET /readyz': {
    id: 'getReadiness',
    tag: 'Server',
    summary: 'Can it take an upload now?',
    description:
      'The answer comes from a check in the background, at most a few seconds old: the store is written, read and synced, and the catalog is asked. On a server that serves its own machine alone the answer names the reason.',
    answers: { 200: health },
    refusals: ['Unavailable', 'InsufficientStorage'],
  },
  'GET /metrics': {
    id: 'getMetrics',
    tag: 'Server',
    summary: 'Figures for Prometheus',
    description: 'For administrators; on a server that serves its own machine alone, for every program there.',
    answers: { 200: { description: 'The exposition format', type: 'text/plain' } },
  },
  'GET /openapi.json': {
    id: 'getDescription',
    tag: 'Server',
    summary: 'This description',
    answers: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
  },
  'GET /docs': {
    id: 'getDocs',
    tag: 'Server',
    summary: 'This description as a page',
    answers: { 200: { description: 'The page; it needs no other server', type: 'text/html' } },
  },
}
