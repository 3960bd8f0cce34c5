/* oxlint-disable vitest/expect-expect -- refused() holds the expectations */
/** Rows 42 to 55: forms as two readers could understand them differently. */
import { describe, expect, test } from 'vitest'
import { createPostForm } from '../../src/sigv4/post-form.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { harness, serveAlice } from './alice.ts'
import { keys } from './harness.ts'

serveAlice({ key: 'there', body: 'there' })

describe('form uploads', () => {
  const form = (inner: string, end = '--b--\r\n'): Promise<RawAnswer> => {
    const body = inner + end
    const headers = {
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': String(Buffer.byteLength(body)),
    }
    return harness.raw('POST', '/alice-1', headers, body)
  }
  const field = (head: string, value = 'v'): string => `--b\r\n${head}\r\n\r\n${value}\r\n`
  const key = field('Content-Disposition: form-data; name="key"', 'k')

  test.each<[string, string, string?]>([
    ['a line that is no header, behind the name', field('Content-Disposition: form-data; name="key"\r\nnonsense')],
    ['a line that is no header, before it', field('nonsense\r\nContent-Disposition: form-data; name="key"')],
    ['unescaped quotes', field('Content-Disposition: form-data; name="k"e"y"')],
    ['a quote without end', field('Content-Disposition: form-data; name="key')],
    ['a name twice', field('Content-Disposition: form-data; name="a"; name="key"')],
    ['no name', field('Content-Disposition: form-data')],
    ['another disposition', field('Content-Disposition: attachment; name="key"')],
    ['no blank line', '--b\r\nContent-Disposition: form-data; name="key"\r\n'],
    ['text behind the boundary', `--bx\r\nContent-Disposition: form-data; name="key"\r\n\r\nv\r\n`],
    ['a header behind the boundary', `--bX: y\r\nContent-Disposition: form-data; name="key"\r\n\r\nv\r\n`],
    ['text before the first boundary', `x\r\n${key}`],
    ['headers of 100 KB', field(`Content-Disposition: form-data; name="key"\r\nX: ${'x'.repeat(100_000)}`)],
    ['NUL in a name', field('Content-Disposition: form-data; name="k\0y"\0')],
    ['an end within a field', '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk', ''],
    ['an end within a header', '--b\r\nContent-Disp', ''],
    ['nothing at all', '', ''],
  ])('55: %s', async (_, inner, end) => {
    await harness.refused(() => form(inner, end), 400, 'MalformedPOSTRequest')
  })

  test('rejects a form that does not end, or continues too long after its file', async () => {
    const { fields } = createPostForm({
      endpoint: harness.gateway.objectsUrl,
      bucket: 'alice-1',
      key: 'endless',
      pathStyle: true,
      credentials: keys.alice,
      region: 'us-east-1',
      expiresIn: 600,
      now: new Date(),
    })
    const before = Object.entries(fields)
      .map(([name, value]) => field(`Content-Disposition: form-data; name="${name}"`, value))
      .join('')
    const file = field('Content-Disposition: form-data; name="file"; filename="f"', 'x'.repeat(70_000))
    for (const end of [
      '',
      '--b',
      '--b-',
      '--b\r\n',
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nb',
      '--bx',
    ]) {
      await harness.refused(() => form(before + file, end), 400, 'MalformedPOSTRequest')
    }
    await harness.refused(() => form(before + file + field('X: y', 'z'.repeat(200_000))), 400, 'MalformedPOSTRequest')
    expect((await form(before + file + field('Content-Disposition: form-data; name="late"'))).status).toBe(204)
  })

  test('rejects a key of slashes only', async () => {
    for (const name of ['/', '//', '///']) {
      await harness.refused(() => harness.post('alice', { key: name }), 400, 'InvalidURI')
    }
  })
})
