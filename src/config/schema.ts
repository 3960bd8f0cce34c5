/**
 * The schema of the configuration. Parsed sizes are bytes, and durations are seconds. `config/default.yaml` explains each
 * key. A test checks that both have the same keys.
 */
import { z } from 'zod'
import { registrations, settingSections } from '../drivers/registry.ts'
import { addressRange, autoOrSize, duration, listenAddress, offOrDuration, redisUrl, size } from './values.ts'

const url = z.url({ protocol: /^https?$/, error: 'expects a URL such as https://files.example.com' })
const nullable = <T extends z.ZodType>(type: T) => type.nullable()

/** The events of src/catalog/webhook-catalog.ts. */
export const webhookEvents = ['file.confirmed', 'file.deleted', 'upload.expired'] as const

export const configSchema = z.strictObject({
  server: z.strictObject({
    listen: listenAddress,
    publicUrl: z.union([z.literal('auto'), url]),
    /** Addresses or CIDR ranges whose X-Forwarded-* headers are trusted. */
    trustedProxies: z.array(addressRange),
    workers: z.union([z.literal('auto'), z.int().min(1).max(64)]),
    shutdownTimeout: duration,
    /** After the clock jumped forward by more than an hour: seconds during which nothing is deleted because of its age. */
    clockStableFor: duration,
  }),
  objects: z.strictObject({
    listen: z.union([z.literal('shared'), listenAddress]),
    publicUrl: z.union([z.literal('auto'), url]),
    region: z.string().regex(/^[a-z0-9-]{1,64}$/, 'expects a region such as us-east-1'),
    /** Signature version 2 in presigned URLs and forms. */
    sigV2: z.enum(['auto', 'on', 'off']),
    sendfile: z.enum(['off', 'x-accel', 'x-sendfile']),
    /** A domain whose subdomains are buckets, or null for path style only. */
    virtualHosts: nullable(z.string().regex(/^[a-z0-9.-]+$/i, 'expects a host name such as s3.example.com')),
  }),
  storage: z.strictObject({
    driver: z.enum(registrations().map(({ name }) => name)),
    delivery: z.enum(['direct', 'proxied']),
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expects a bucket name: 3 to 63 of a-z 0-9 . -'),
    /** Seconds from the last part to the abort of an unfinished multipart upload of an access key. Null: never. */
    abortMultipartAfter: offOrDuration,
    ...settingSections(),
  }),
  database: z.strictObject({
    url: z
      .string()
      .regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'expects sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE'),
  }),
  auth: z.strictObject({
    /** The HS256 secret. `auto`: created at the first start and stored in secrets.json. */
    secret: z.string(),
    jwksUrl: nullable(url),
    /** Whether HS256 tokens are accepted next to those of the key set. */
    allowSecretWithJwks: z.boolean(),
    issuer: nullable(z.string().min(1)),
    audience: nullable(z.string().min(1)),
    /** Seconds by which the clocks of this server and of the token issuer may differ. */
    clockTolerance: z.union([z.literal(0), duration]),
    cookie: z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expects a cookie name'),
    /** The user of requests without credentials. Null: such requests are rejected. */
    anonymous: nullable(z.string().min(1)),
    /** Users who see the settings and the requests of all users. */
    admins: z.array(z.string().min(1)),
  }),
  keys: z.array(
    z.strictObject({
      accessKeyId: z.string().regex(/^[A-Za-z0-9_-]{3,128}$/, 'expects 3 to 128 letters, digits, _ or -'),
      secretAccessKey: z.string().min(1),
      owner: z.string().min(1),
    }),
  ),
  uploads: z.strictObject({
    maxSize: size,
    allowedTypes: z.array(
      z.string().regex(/^(\*\/\*|[\w.+-]+\/(\*|[\w.+-]+))$/, 'expects a type such as image/* or text/plain'),
    ),
    expiresIn: duration,
    maxExpiresIn: duration,
    partSize: size,
    confirmWithin: duration,
    autoConfirm: z.boolean(),
    allowPublic: z.boolean(),
    sniff: z.boolean(),
    /** Width times height of an image. */
    maxPixels: nullable(z.int().min(1)),
  }),
  downloads: z.strictObject({
    expiresIn: duration,
    stableFor: nullable(duration),
    publicBaseUrl: nullable(url),
    inlineTypes: z.array(z.string()),
  }),
  quotas: z.strictObject({
    userBytes: nullable(size),
    userFiles: nullable(z.int().min(0)),
    /** Per owner of access keys. `auto`: the quota of a user. */
    ownerBytes: nullable(autoOrSize),
    ownerObjects: nullable(
      z.union([z.literal('auto'), z.int().min(0)], { error: 'expects auto, or a number of objects' }),
    ),
  }),
  limits: z.strictObject({
    issuePerMinute: z.int().min(1),
    /** Requests of one user, over all routes that need a user. */
    requestsPerMinute: z.int().min(1),
    /** Invalid tokens of one client that get a 401 response. Loopback has no limit. */
    authFailuresPerMinute: z.int().min(1),
    /** Unfinished uploads of one user at a time. */
    pendingUploads: z.int().min(1),
    /** Open connections of all clients. */
    connections: z.int().min(1),
    /** Open connections of one address, except loopback and trusted proxies. */
    connectionsPerClient: z.int().min(1),
    store: z.union([z.literal('memory'), redisUrl]),
  }),
  cors: z.strictObject({
    origins: z.array(
      z.union([
        z.literal('*'),
        z.string().regex(/^https?:\/\/[^/]+$/, 'expects an origin such as https://app.example.com'),
      ]),
    ),
  }),
  webhooks: z.array(
    z.strictObject({
      url,
      secret: z
        .string()
        .regex(
          /^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
          'expects whsec_ and the base64 of 24 to 64 random bytes',
        ),
      /** Default: all. */
      events: z
        .array(z.enum(webhookEvents))
        .min(1)
        .default([...webhookEvents]),
      /** Whether the URL may be in a private network or on this machine. */
      allowPrivate: z.boolean().default(false),
    }),
  ),
  log: z.strictObject({
    level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    format: z.enum(['auto', 'json', 'pretty']),
    /** The file of the audit log. */
    audit: nullable(z.string().min(1)),
  }),
})
