import { afterAll, beforeAll, describe } from 'vitest'
import { bodies } from '../conformance/driver/bodies.ts'
import { checksums } from '../conformance/driver/checksums.ts'
import { objects } from '../conformance/driver/objects.ts'
import { createTestBucket, startDriver } from '../fixtures/s3-store.ts'
let driver: any, bucket: any
beforeAll(async () => { bucket = await createTestBucket(); driver = await startDriver(bucket) })
afterAll(async () => { await driver.close(); await bucket.remove() })
const known = new Set(['one-bucket','no-stored-checksums','no-multipart-checksums','no-conditional-complete','no-conditional-copy','no-part-reads','cannot-tell-writers'])
const suite: any = { get driver() { return driver }, get bucket() { return bucket.bucket }, http: true, differs: (d: any) => known.has(d) }
describe('objects', () => objects(suite)); describe('bodies', () => bodies(suite)); describe('checksums', () => checksums(suite))
