/** OpenAPI descriptions of the routes. A test checks that this list and the route table match. */
import { z } from 'zod'
import { confirmInput, downloadQuery, listQuery, patchInput, renewInput, uploadInput } from '../input.ts'
import { beginMultipartInput, completeInput, issuePartsInput } from '../multipart-input.ts'
import * as answers from './answers.ts'
import { companionOperations } from './companion-operations.ts'
import { consoleOperations } from './console-operations.ts'
import { linkOperations } from './link-operations.ts'
import type { Answer, Operation } from './operation.ts'
import type { ProblemCode } from '../refusal-advice.ts'

const aliases =
  'The aliases `fileName`, `fileType`, `contentType` and `fileSize` are accepted. A URL is valid for one object with the declared properties.'

/** Errors before an upload URL is issued. */
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

/** Errors of the verification of the stored object. */
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

const issued: Answer = { description: 'The URL to send the bytes to', schema: answers.issuedUpload }
const location = { location: "The file's URL" }
const confirmed: Record<number, Answer> = {
  200: { description: 'Already confirmed; same body', schema: answers.confirmedFile, headers: location },
  201: { description: 'The file was confirmed', schema: answers.confirmedFile, headers: location },
}
const redirect: Answer = {
  description: 'A presigned URL of the object',
  headers: { location: 'Location of the bytes' },
}
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
    summary: 'Issue an upload URL for a public file that is confirmed automatically',
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
    answers: { 200: { description: 'Request part URLs next', schema: answers.begunMultipart } },
    refusals: admission,
  },
  'POST /files/multipart/:id/parts': {
    id: 'issuePartUrls',
    tag: 'Multipart',
    summary: 'Issue URLs for parts',
    body: issuePartsInput,
    answers: { 200: { description: 'One URL per part', schema: answers.issuedParts } },
    refusals: ['InvalidArgument', 'InvalidRequest', 'NotFound', 'NoSuchUpload', 'ConditionalConflict'],
  },
  'GET /files/multipart/:id/parts': {
    id: 'listParts',
    tag: 'Multipart',
    summary: 'List the parts that the store has',
    answers: { 200: { description: 'All stored parts', schema: answers.sentParts } },
    refusals: ['InvalidRequest', 'NotFound', 'NoSuchUpload', 'ConditionalConflict'],
  },
  'POST /files/multipart/:id/complete': {
    id: 'completeMultipart',
    tag: 'Multipart',
    summary: 'Complete and confirm; repeatable',
    description: 'Without `parts`, all stored parts are joined.',
    body: completeInput,
    answers: confirmed,
    refusals: [...verification, 'InvalidPart', 'InvalidPartOrder', 'EntityTooSmall', 'EntityTooLarge', 'NoSuchUpload'],
  },
  'DELETE /files/multipart/:id': {
    id: 'abortMultipart',
    tag: 'Multipart',
    summary: 'Abort and delete the parts',
    answers: { 204: { description: 'The upload was aborted' } },
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
    answers: { 200: { description: "The caller's usage", schema: answers.usageReport } },
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
    summary: 'Rename a file or replace its metadata',
    body: patchInput,
    answers: { 200: { description: 'The updated record', schema: answers.fileRecord } },
    refusals: ['InvalidArgument', 'MetadataTooLarge', 'NotFound'],
  },
  'DELETE /files/:id': {
    id: 'deleteFile',
    tag: 'Files',
    summary: 'Delete record and object',
    answers: { 204: { description: 'The file was deleted' } },
    refusals: ['NotFound'],
  },
  'GET /files/:id/download-url': {
    id: 'issueDownloadUrl',
    tag: 'Files',
    summary: 'Issue a download URL',
    query: downloadQuery,
    answers: { 200: { description: 'URLs for GET and HEAD', schema: answers.issuedDownload } },
    refusals: ['InvalidArgument', 'NotFound', 'UploadIncomplete'],
  },
  'GET /files/:id/content': {
    id: 'getContent',
    tag: 'Files',
    summary: 'Redirect to the bytes, for use in <img>',
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
    summary: 'Can it accept uploads now?',
    description:
      'The result is at most a few seconds old. A background check writes, reads and syncs the store and queries the catalog. A server that is reachable only from its own machine includes the reason.',
    answers: { 200: health },
    refusals: ['Unavailable', 'InsufficientStorage'],
  },
  'GET /metrics': {
    id: 'getMetrics',
    tag: 'Server',
    summary: 'Metrics for Prometheus',
    description:
      'For administrators. A server that is reachable only from its own machine also answers requests without credentials.',
    answers: { 200: { description: 'Prometheus text format', type: 'text/plain' } },
  },
  'GET /openapi.json': {
    id: 'getDescription',
    tag: 'Server',
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
  },
  'GET /docs': {
    id: 'getDocs',
    tag: 'Server',
    summary: 'API reference page',
    answers: { 200: { description: 'The page, which works offline', type: 'text/html' } },
  },
}
