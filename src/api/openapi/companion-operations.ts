/** The Companion routes that Uppy calls. */
import { z } from 'zod'
import { beginInput, keyQuery, listedParts, paramsQuery } from '../companion-input.ts'
import * as answers from './companion-answers.ts'
import type { Operation } from './operation.ts'
import type { ProblemCode } from '../refusal-advice.ts'

const admission = [
  'InvalidArgument',
  'MetadataTooLarge',
  'TypeNotAllowed',
  'EntityTooLarge',
  'NotSupported',
  'QuotaExceeded',
] as const satisfies readonly ProblemCode[]

const ofUpload = ['InvalidArgument', 'InvalidRequest', 'NotFound', 'NoSuchUpload', 'ConditionalConflict'] as const

const numbersQuery = keyQuery.extend({
  partNumbers: z
    .string()
    .meta({ description: '`1,2,3`', override: { pattern: '^[1-9][0-9]{0,3}(,[1-9][0-9]{0,3})*$' } }),
})
const onePart = { n: z.string().meta({ override: { type: 'integer', minimum: 1, maximum: 10_000 } }) }

export const companionOperations: Readonly<Record<string, Operation>> = {
  'GET /s3/params': {
    id: 'uppyParams',
    tag: 'Uppy',
    summary: 'Issue an upload URL or form',
    description: 'Metadata comes as `metadata[name]=value`.',
    query: paramsQuery,
    answers: { 200: { description: 'Where and how to send the file', schema: answers.uploadParams } },
    refusals: admission,
  },
  'POST /s3/multipart': {
    id: 'uppyBegin',
    tag: 'Uppy',
    summary: 'Start a multipart upload',
    body: beginInput,
    answers: { 200: { description: 'The upload was started', schema: answers.begunUppyMultipart } },
    refusals: admission,
  },
  'GET /s3/multipart/:id/batch': {
    id: 'uppySignParts',
    tag: 'Uppy',
    summary: 'Issue URLs for parts',
    query: numbersQuery,
    answers: { 200: { description: 'By part number', schema: answers.signedParts } },
    refusals: ofUpload,
  },
  'GET /s3/multipart/:id/:n': {
    id: 'uppySignPart',
    tag: 'Uppy',
    summary: 'Issue the URL of one part',
    path: onePart,
    query: keyQuery,
    answers: { 200: { description: 'The URL to send the part to', schema: answers.signedPart } },
    refusals: ofUpload,
  },
  'GET /s3/multipart/:id': {
    id: 'uppyListParts',
    tag: 'Uppy',
    summary: 'List the parts that the store has',
    query: keyQuery,
    answers: { 200: { description: 'All stored parts', schema: answers.listedParts } },
    refusals: ofUpload,
  },
  'POST /s3/multipart/:id/complete': {
    id: 'uppyComplete',
    tag: 'Uppy',
    summary: 'Complete',
    query: keyQuery,
    body: listedParts,
    answers: { 200: { description: 'The object is complete', schema: answers.joinedParts } },
    refusals: [
      ...ofUpload,
      'UploadIncomplete',
      'UploadMismatch',
      'InvalidPart',
      'InvalidPartOrder',
      'EntityTooSmall',
      'EntityTooLarge',
      'QuotaExceeded',
    ],
  },
  'DELETE /s3/multipart/:id': {
    id: 'uppyAbort',
    tag: 'Uppy',
    summary: 'Abort',
    query: keyQuery,
    answers: { 200: { description: 'The upload was aborted', schema: answers.nothing } },
    refusals: ofUpload,
  },
}
