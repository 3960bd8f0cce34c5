import { createPostForm } from '../../sigv4/post-form.ts'
import { failed, ok, type Check } from '../check.ts'
import { probeBody } from './put.ts'
import { said, type Answer, type StoreProbe } from './store-probe.ts'

/** A form upload as allowed, and one that is too big. */
export const postPolicy: Check<StoreProbe> = {
  name: 'post',
  needs: ['presign'],
  async run(probe) {
    const most = probeBody.length
    const taken = await post(probe, 'form', probeBody, most)
    if (taken.status >= 300) {
      const fix =
        'Use uploads by PUT (method "PUT", the default), and set storage.s3.provider to what the store is: then "POST" is refused when it is asked for.'
      return failed(`A form upload is answered ${said(taken)}.`, fix)
    }
    const big = await post(probe, 'big-form', Buffer.concat([probeBody, probeBody]), most)
    if (big.status >= 400 && big.status < 500)
      return ok('Form uploads work, and are held to their content-length-range.')
    return failed(
      'A form upload beyond its content-length-range is taken.',
      'Do not offer method "POST" on this store: set storage.s3.provider: other.',
    )
  },
}

async function post(probe: StoreProbe, name: string, file: Buffer, max: number): Promise<Answer> {
  const { target } = probe
  const contentLengthRange = { min: 1, max }
  const form = createPostForm({
    ...target,
    endpoint: target.publicEndpoint,
    key: probe.key(name),
    contentLengthRange,
    expiresIn: 300,
    now: probe.now(),
  })
  const boundary = 'postern-doctor-7d1c0a'
  const fields = Object.entries(form.fields).map(
    ([field, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
  )
  const head = `${fields.join('')}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: text/plain\r\n\r\n`
  const body = Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${boundary}--\r\n`)])
  return probe.fetch(form.url, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body,
  })
}
