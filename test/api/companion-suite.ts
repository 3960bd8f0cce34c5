/** The Companion routes, over real HTTP. Both drivers run this suite. */
import { describe, expect, test } from 'vitest'
import { as, callerWith, downloadText, stateOf, type Caller, type FileJson } from './caller.ts'
import {
  create,
  deliver,
  join,
  jsonOf,
  paramsPath,
  sendPart,
  sent,
  sign,
  uploadPath,
  type Joined,
  type Params,
} from './companion-caller.ts'
import { withGateway, type Bench, type Start } from './invariants.ts'
import { letters, minPart, openUploads, writeTinyParts } from './multipart-caller.ts'
import { whenConfirmed } from './when-confirmed.ts'

export const companionSuite = (name: string, start: Start): void =>
  withGateway(`${name}, for Uppy`, start, (bench) => {
    describe('a file in one request', () => void singleUploads(bench))
    describe('a file in parts', () => void multipartUploads(bench))
    describe('is refused', () => void refusals(bench))
  })

const note = { filename: 'note.txt', type: 'text/plain' }
const onlyFile = async (user: Caller): Promise<FileJson> => {
  const { files } = (await user.get('/files')).json
  expect(files).toHaveLength(1)
  return whenConfirmed(user, files[0]!.id)
}

function singleUploads({ start, shared, newUser }: Bench): void {
  const asksForJson = async () => {
    const authorization = `Bearer ${await shared().token(`uppy-${crypto.randomUUID()}`)}`
    return callerWith(shared().apiUrl, { authorization, accept: 'application/json' })
  }

  test.each([
    ['as Uppy 6 asks, by a form', () => newUser(), 'POST', undefined],
    ['as Uppy 4 and 5 ask, by PUT', asksForJson, 'PUT', { 'content-type': 'text/plain' }],
  ] as const)('%s, and is confirmed without another call', async (_, newCaller, method, sentHeaders) => {
    const user = await newCaller()
    const query = { ...note, 'metadata[name]': 'note.txt', 'metadata[type]': 'text/plain', 'metadata[album]': 'é 1' }
    const answered = jsonOf<Params>(await user.get(paramsPath({ ...query, 'metadata[relativePath]': 'null' })))
    expect(answered).toMatchObject({ method, fields: { key: expect.stringMatching(/^uploads\/[\w-]+\.txt$/) } })
    expect(answered.expires).toBe(600)
    expect(answered.headers).toEqual(sentHeaders)
    expect([200, 204]).toContain((await deliver(answered, 'by Uppy')).status)
    const file = await onlyFile(user)
    expect(file).toMatchObject({
      status: 'confirmed',
      key: answered.fields['key'],
      filename: 'note.txt',
      mimeType: 'text/plain',
      size: 7,
      metadata: { album: 'é 1' },
    })
    expect(file.metadata).toEqual({ album: 'é 1' })
    await deliver(answered, 'changed')
    expect(await downloadText(user, file.id)).toBe('by Uppy')
  })

  test('of a type unknown to Uppy gets the type of its file name', async () => {
    for (const type of ['application/octet-stream', 'undefined', '']) {
      const user = await newUser()
      const params = jsonOf<Params>(await user.get(paramsPath({ filename: 'table.csv', type })))
      await deliver(params, 'a,b\n1,2\n')
      expect(await onlyFile(user)).toMatchObject({ mimeType: 'text/csv', status: 'confirmed' })
    }
  })

  test('by a form is limited to the allowed size', async () => {
    const small = await start({ uploads: { maxSize: 10 } })
    try {
      const user = await newUser(small)
      const params = jsonOf<Params>(await user.get(paramsPath(note)))
      expect((await deliver(params, 'eleven chars')).status).toBe(400)
      expect((await user.get('/files/usage')).json).toMatchObject({ files: 0, bytes: 0 })
    } finally {
      await small.close()
    }
  })
}

function multipartUploads({ start, shared, newUser, expectGone }: Bench): void {
  const chunks = [letters('a', minPart), letters('b', 100)] as const

  test('is joined from fresh ETags and listed ones, quoted or bare, and becomes a file', async () => {
    const user = await newUser()
    const created = await create(user, { metadata: { name: 'note.txt', relativePath: null, stars: 5, ready: true } })
    expect(created).toEqual({
      key: expect.stringMatching(/^uploads\//),
      uploadId: expect.any(String),
      bucket: shared().gateway.config.storage.bucket,
    })
    const first = await sendPart(user, created, 1, chunks[0])
    await sendPart(user, created, 2, chunks[1])
    const listed = await sent(user, created)
    expect(listed).toEqual([
      { PartNumber: 1, ETag: first, Size: minPart },
      { PartNumber: 2, ETag: expect.stringMatching(/^"\w+"$/), Size: 100 },
    ])
    const fresh = { PartNumber: 1, ETag: first.replaceAll('"', '') }
    const joined = jsonOf<Joined>(await join(user, created, [fresh, listed[1]!]))
    const file = await onlyFile(user)
    expect(joined).toEqual({
      location: `${shared().apiUrl}/files/${file.id}/content`,
      key: created.key,
      bucket: created.bucket,
    })
    expect(file).toMatchObject({ status: 'confirmed', size: minPart + 100, metadata: { stars: '5', ready: 'true' } })
    expect((await downloadText(user, file.id)).endsWith('ab'.padEnd(101, 'b'))).toBe(true)
    expect(jsonOf(await join(user, created, listed))).toEqual(joined)
  })

  test('has URLs of parts that are valid for an hour, one at a time or in a batch', async () => {
    const user = await newUser()
    const created = await create(user)
    const one = await sign(user, created, 1)
    expect(one.expires).toBe(3600)
    const query = { partNumbers: '1,2,10000' }
    const { presignedUrls } = jsonOf<{ presignedUrls: Record<string, string> }>(
      await user.get(uploadPath(created, '/batch', query)),
    )
    expect(Object.keys(presignedUrls)).toEqual(['1', '2', '10000'])
    for (const url of [one.url, ...Object.values(presignedUrls)]) {
      expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('3600')
    }
    const part = await fetch(presignedUrls['2']!, { method: 'PUT', body: 'x' })
    expect(part.status).toBe(200)
    expect((await sent(user, created)).map(({ PartNumber }) => PartNumber)).toEqual([2])
  })

  test('limits URLs to what the server allows, and then returns no `expires`', async () => {
    const strict = await start({ uploads: { expiresIn: '1m', maxExpiresIn: '2m' } })
    try {
      const user = await newUser(strict)
      const part = await sign(user, await create(user), 1)
      expect(new URL(part.url).searchParams.get('X-Amz-Expires')).toBe('120')
      expect(part).not.toHaveProperty('expires')
    } finally {
      await strict.close()
    }
  })

  test('lists every part, more than one page of the store', async () => {
    const user = await newUser()
    const created = await create(user)
    await writeTinyParts(shared(), { ...created, id: '', partSize: 0, partCount: null, expiresAt: '' }, 1003)
    const listed = await sent(user, created)
    expect(listed.map(({ PartNumber }) => PartNumber)).toEqual(Array.from({ length: 1003 }, (_, at) => at + 1))
    jsonOf(await user.delete(uploadPath(created)))
  }, 60_000)

  test('is cancelled with a readable response, and leaves nothing', async () => {
    const before = await openUploads(shared())
    const user = await newUser()
    const created = await create(user)
    await sendPart(user, created, 1, chunks[1])
    expect(jsonOf(await user.delete(uploadPath(created)))).toEqual({})
    expect(await openUploads(shared(), before)).not.toContain(created.key)
    await expectGone(created.key)
    expect((await user.get('/files/usage')).json).toMatchObject({ reservedBytes: 0, reservedFiles: 0 })
    expect((await user.get(uploadPath(created))).status).toBe(404)
    expect((await user.delete(uploadPath(created))).status).toBe(404)
  })
}

function refusals({ shared, newUser }: Bench): void {
  test('to everyone but its owner, as if it did not exist', async () => {
    const [alice, mallory] = [await newUser(), await newUser()]
    const created = await create(alice)
    const etag = await sendPart(alice, created, 1, letters('x', 10))
    const before = await stateOf(alice)
    const other = await create(mallory)
    const attempts = [
      [mallory, created],
      [mallory, { ...created, key: other.key }],
      [mallory, { ...other, key: created.key }],
      [alice, { ...created, uploadId: other.uploadId }],
      [alice, { ...created, key: `${created.key}x` }],
    ] as const
    for (const [user, upload] of attempts) {
      const answers = await Promise.all([
        user.get(uploadPath(upload)),
        user.get(uploadPath(upload, '/1')),
        user.get(uploadPath(upload, '/batch', { partNumbers: '1' })),
        join(user, upload, [{ PartNumber: 1, ETag: etag }]),
        user.delete(uploadPath(upload)),
      ])
      for (const { status, json } of answers) expect([status, json.code]).toEqual([404, 'NoSuchUpload'])
    }
    expect(await stateOf(alice)).toEqual(before)
    expect(await sent(alice, created)).toHaveLength(1)
  })

  test('for missing or wrong fields, with a message that Uppy shows', async () => {
    const user = await newUser()
    const created = await create(user)
    const before = await stateOf(user)
    const wrong = await Promise.all([
      user.get('/s3/params'),
      user.get('/s3/params?filename=a.txt&filename=b.txt&type=text/plain'),
      user.get(paramsPath({ ...note, 'metadata[not a name]': 'x' })),
      user.get(`${paramsPath(note)}&metadata[a]=1&metadata[a]=2`),
      user.post('/s3/multipart', { type: 'text/plain' }),
      user.post('/s3/multipart', { ...note, key: 'mine' }),
      user.post('/s3/multipart', { ...note, metadata: { a: { b: 1 } } }),
      user.get(`/s3/multipart/${created.uploadId}`),
      ...['0', '10001', '1e3', 'x'].map((n) => user.get(uploadPath(created, `/${n}`))),
      ...['', '0', '1,,2', '10001', ' 1'].map((partNumbers) =>
        user.get(uploadPath(created, '/batch', { partNumbers })),
      ),
      join(user, created, []),
      join(user, created, [{ PartNumber: '1', ETag: 'x' }]),
      user.post(uploadPath(created, '/complete'), {}),
    ])
    for (const { json, text } of wrong) {
      expect(JSON.parse(text)).toMatchObject({ status: 400, code: 'InvalidArgument', message: json.detail })
    }
    const absent = await join(user, created, [{ PartNumber: 7, ETag: '"0123456789abcdef0123456789abcdef"' }])
    expect([400, 409]).toContain(absent.status)
    const type = await user.get(paramsPath({ filename: 'a.exe', type: 'application/x-msdownload' }))
    expect(type.status).toBe(415)
    expect(await stateOf(user)).toEqual(before)
  })

  test('without a user, by HEAD, and for embedding by another site', async () => {
    const { apiUrl } = shared()
    expect((await callerWith(apiUrl, {}).get(paramsPath(note))).status).toBe(401)
    const alice = await as(shared(), `alice-${crypto.randomUUID()}`)
    const bearer = { authorization: `Bearer ${await shared().token('bob')}` }
    expect((await fetch(apiUrl + paramsPath(note), { method: 'HEAD', headers: bearer })).status).toBe(405)
    for (const site of ['cross-site', 'same-site']) {
      const embedded = callerWith(apiUrl, { ...bearer, 'sec-fetch-site': site })
      const { status, json } = await embedded.get(paramsPath(note))
      expect([status, json.code]).toEqual([403, 'OriginRefused'])
      const fetched = callerWith(apiUrl, { ...bearer, 'sec-fetch-site': site, origin: 'https://app.example.com' })
      expect((await fetched.get(paramsPath(note))).status).toBe(200)
    }
    expect((await alice.get('/files')).json.files).toEqual([])
  })
}
