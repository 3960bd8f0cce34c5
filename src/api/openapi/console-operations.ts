/** Routes for the console. */
import { z } from 'zod'
import { pendingQuery } from '../routes/console.ts'
import type { Operation } from './operation.ts'
import { configSchema } from '../../config/schema.ts'

const status = z
  .strictObject({
    user: z.string(),
    admin: z.boolean(),
    store: z.looseObject({ driver: configSchema.shape.storage.shape.driver }),
    objectsUrl: z.string(),
    limits: z.looseObject({ maxSize: z.int(), allowedTypes: z.array(z.string()) }),
  })
  .meta({ id: 'Status' })

const uploads = z
  .strictObject({
    uploads: z.array(z.looseObject({ id: z.string(), key: z.string(), filename: z.string() })),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'PendingUploads' })

const settings = z
  .strictObject({
    settings: z.array(
      z.looseObject({ key: z.string(), value: z.unknown(), variable: z.string(), secret: z.boolean() }),
    ),
  })
  .meta({ id: 'Settings' })

export const consoleOperations: Readonly<Record<string, Operation>> = {
  'GET /console/status': {
    id: 'getStatus',
    tag: 'Console',
    summary: 'The store and the upload limits',
    answers: { 200: { description: 'Now', schema: status } },
  },
  'GET /console/uploads': {
    id: 'listPendingUploads',
    tag: 'Console',
    summary: 'Unfinished uploads and what each one is missing',
    query: pendingQuery,
    answers: { 200: { description: 'One page', schema: uploads } },
    refusals: ['InvalidArgument'],
  },
  'GET /console/log': {
    id: 'watchRequests',
    tag: 'Console',
    summary: 'Live request log',
    description: 'The stream does not end. After a lost connection, send the last received id as `last-event-id`.',
    answers: { 200: { description: 'Server-sent events', type: 'text/event-stream' } },
    refusals: ['TooManyRequests'],
  },
  'GET /console/settings': {
    id: 'getSettings',
    tag: 'Console',
    summary: 'The effective configuration with masked secrets',
    answers: { 200: { description: 'All settings', schema: settings } },
  },
}
