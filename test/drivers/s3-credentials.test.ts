/** The sources of credentials: the default chain, and configured ones that do not load the SDK. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { createS3Driver, type S3DriverOptions } from '../../src/drivers/s3/s3-driver.ts'
import { isStorageError } from '../../src/errors.ts'
import { serve } from '../fixtures/fake-store.ts'

const ref = { bucket: 'files', key: 'uploads/a.png' }

describe('the credentials of the default chain', () => {
  const close: (() => void)[] = []
  afterEach(() => {
    for (const end of close.splice(0)) end()
  })

  /** As a container's credential endpoint answers, good for `seconds` from now. */
  async function serveCredentials(seconds: number): Promise<void> {
    const url = await serve((_request, response) => {
      const Expiration = new Date(Date.now() + seconds * 1000).toISOString()
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({ AccessKeyId: 'ASIATEMP', SecretAccessKey: 'temporary', Token: 'token', Expiration }),
      )
    })
    const hidden = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'].map(
      (name) => [name, process.env[name]] as const,
    )
    for (const [name] of hidden) delete process.env[name]
    process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${url}/`
    close.push(() => {
      delete process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
      for (const [name, value] of hidden) if (value !== undefined) process.env[name] = value
    })
  }
  const chain: S3DriverOptions = { bucket: 'files', region: 'eu-central-1', now: () => new Date() }

  it('limit the expiry of a URL', async () => {
    await serveCredentials(1800)
    const driver = await createS3Driver(chain)
    const signed = await driver.presignDownload(ref, { expiresIn: 7200 })
    expect(signed.expiresIn).toBeGreaterThan(1780)
    expect(signed.expiresIn).toBeLessThanOrEqual(1800)
    const { searchParams } = new URL(signed.url)
    expect(searchParams.get('X-Amz-Expires')).toBe(String(signed.expiresIn))
    expect(searchParams.get('X-Amz-Security-Token')).toBe('token')
    expect((await driver.presignUpload(ref, { expiresIn: 60 })).expiresIn).toBe(60)
    const form = await driver.presignPost(ref, { expiresIn: 7200, minBytes: 0, maxBytes: 9 })
    expect(form.expiresIn).toBeLessThanOrEqual(1800)
    expect(form.fields['x-amz-security-token']).toBe('token')
    await driver.close()
  })

  it('sign nothing once they have expired', async () => {
    await serveCredentials(-10)
    const driver = await createS3Driver(chain)
    const error: unknown = await driver.presignDownload(ref, { expiresIn: 60 }).catch((e: unknown) => e)
    expect(isStorageError(error, 'Unavailable')).toBe(true)
    await driver.close()
  })
})

it('presigning with configured credentials does not load the SDK', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
    const { createS3Driver } = await import(${JSON.stringify(new URL('../../src/drivers/s3/s3-driver.ts', import.meta.url).href)})
    const driver = await createS3Driver({ bucket: 'files', accessKeyId: 'a', secretAccessKey: 'b', now: () => new Date() })
    const ref = { bucket: 'files', key: 'a' }
    await driver.presignUpload(ref, { expiresIn: 60, contentLength: 1 })
    await driver.presignUploadPart(ref, { uploadId: 'u', partNumber: 1, expiresIn: 60 })
    await driver.presignDownload(ref, { expiresIn: 60 })
    await driver.presignHead(ref, { expiresIn: 60 })
    await driver.presignPost(ref, { expiresIn: 60, minBytes: 0, maxBytes: 1 })
    const before = loaded.filter((url) => /@aws-sdk|@smithy/.test(url)).length
    await driver.presignDownload({ bucket: 'files', key: '' }, { expiresIn: 60 }).catch(() => {})
    await driver.headObject(ref, { signal: AbortSignal.abort() }).catch(() => {})
    const after = loaded.filter((url) => /@aws-sdk|@smithy/.test(url)).length
    console.log(JSON.stringify({ ours: loaded.some((url) => url.includes('s3-driver.ts')), before, after: after > 0 }))
    await driver.close()
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  expect(JSON.parse(stdout)).toEqual({ ours: true, before: 0, after: true })
})
