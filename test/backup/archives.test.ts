/** A restore refuses damaged, truncated and malicious archives, and leaves nothing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { extract, pack, type Header } from 'tar-stream'
import { beforeAll, describe, expect, it } from 'vitest'
import { bytesOf } from '../conformance/driver/suite-tools.ts'
import { put } from '../drivers/start-disk.ts'
import { emptyFolder, restoreTo, startSource } from './store.ts'

type Entry = { header: Header; body: Buffer }
let archive: Buffer
let entries: Entry[]
beforeAll(async () => {
  entries = []
})

async function sample(): Promise<void> {
  if (entries.length > 0) return
  const { driver, file, backup } = await startSource()
  await put(driver, 'a', bytesOf(100_000))
  await put(driver, 'b')
  await backup()
  archive = readFileSync(file)
  const reading = extract()
  Readable.from([archive]).pipe(reading as unknown as NodeJS.WritableStream)
  for await (const entry of reading) {
    const chunks: Buffer[] = []
    for await (const chunk of entry as unknown as AsyncIterable<Buffer>) chunks.push(chunk)
    entries.push({ header: entry.header, body: Buffer.concat(chunks) })
  }
}

async function tarOf(list: readonly { header: Partial<Header> & { name: string }; body: Buffer }[]): Promise<Readable> {
  const writing = pack()
  for (const { header, body } of list) {
    const { name, type = 'file', mode = 0o600, linkname } = header
    writing.entry({ name, type, mode, size: body.length, ...(linkname && { linkname }) }, body)
  }
  writing.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of writing as unknown as AsyncIterable<Buffer>) chunks.push(chunk)
  return Readable.from([Buffer.concat(chunks)], { objectMode: false })
}

/** Why the restore failed; what it left behind otherwise. */
async function refusal(source: Readable): Promise<string> {
  const folder = emptyFolder()
  const said = await restoreTo(folder, source).then(
    () => 'restored',
    (error: Error) => error.message,
  )
  const left = [...readdirSync(folder), ...readdirSync(join(folder, 'storage'))].filter((name) => name !== 'storage')
  return left.length === 0 ? said : `left behind: ${left.join(', ')}`
}

const stream = (bytes: Buffer): Readable => Readable.from([bytes], { objectMode: false })
const isBlob = ({ header }: Entry): boolean => header.name.startsWith('blobs/')
const plain = (name: string, body = 'x') => ({ header: { name }, body: Buffer.from(body) })

it('is restored as it was created', async () => {
  await sample()
  const folder = emptyFolder()
  const { blobs, databases, damaged } = await restoreTo(folder, stream(archive))
  expect({ blobs, databases, damaged }).toEqual({
    blobs: 2,
    databases: ['index.sqlite', 'catalog.sqlite'],
    damaged: [],
  })
  expect(readdirSync(join(folder, 'storage')).toSorted()).toEqual(['index.sqlite', 'objects'])
  expect(existsSync(join(folder, 'catalog.sqlite'))).toBe(true)
})

describe('a damaged archive', () => {
  it('is refused for a flipped bit anywhere in its stored bytes', async () => {
    await sample()
    const refusals: string[] = []
    for (let offset = 0, i = 0; i < entries.length - 1; i++) {
      const { body } = entries[i]!
      const bytes = Buffer.from(archive)
      const at = offset + 512 + Math.floor(body.length / 2)
      bytes[at] = bytes[at]! ^ 1
      offset += 512 + Math.ceil(body.length / 512) * 512
      refusals.push(await refusal(stream(bytes)))
    }
    expect(refusals).toHaveLength(6)
    for (const said of refusals) expect(said).toMatch(/damaged|not a Postern backup|not complete/)
  })

  it('is refused if it is truncated, also between entries', async () => {
    await sample()
    const cuts = [600, Math.floor(archive.length / 2), archive.length - 2048, archive.length - 1500]
    for (const cut of cuts)
      expect(await refusal(stream(archive.subarray(0, cut)))).toMatch(/truncated|damaged|not complete/)
    expect(await refusal(await tarOf(entries.slice(0, -1)))).toMatch('truncated')
    expect(await refusal(stream(Buffer.alloc(0)))).toMatch('truncated')
  })

  it('is refused without one of its blobs, its manifest or its index', async () => {
    await sample()
    const without = (name: (entry: Entry) => boolean) => tarOf(entries.filter((entry) => !name(entry)))
    expect(await refusal(await without((entry) => entry === entries.find(isBlob)))).toMatch(
      'it lacks blobs of its manifest',
    )
    expect(await refusal(await without(({ header }) => header.name === 'manifest.jsonl'))).toMatch('damaged')
    expect(await refusal(await without(({ header }) => header.name === 'index.sqlite'))).toMatch('damaged')
  })
})

describe('a malicious archive', () => {
  it.each([
    ['../evil', 'file with an unknown name'],
    ['/etc/evil', 'file with an unknown name'],
    ['blobs/../../evil', 'file with an unknown name'],
    ['blobs/aa/bb/../../../evil', 'file with an unknown name'],
    ['objects/x', 'file with an unknown name'],
    [`blobs/aa/bb/${'c'.repeat(32)}`, 'file with an unknown name'],
    [`blobs/cc/cc/${'c'.repeat(32)}`, 'not in its index'],
    [`${'long/'.repeat(40)}name`, /unknown name|other than plain files/],
  ])('cannot name %s', async (name, said) => {
    await sample()
    expect(await refusal(await tarOf([...entries.slice(0, 3), plain(name), ...entries.slice(3)]))).toMatch(said)
  })

  it.each([
    ['symlink', '/etc/passwd'],
    ['link', 'index.sqlite'],
    ['directory', undefined],
    ['fifo', undefined],
  ] as const)('cannot hold a %s', async (type, linkname) => {
    await sample()
    const blob = entries.find(isBlob)!
    const evil = { header: { name: blob.header.name, type, ...(linkname && { linkname }) }, body: Buffer.alloc(0) }
    expect(await refusal(await tarOf([...entries.slice(0, 3), evil]))).toMatch('entries other than plain files')
  })

  it('cannot repeat a file, exceed the size in its index, or continue after its end', async () => {
    await sample()
    const blob = entries.find(isBlob)!
    expect(await refusal(await tarOf([...entries.slice(0, 3), blob, blob]))).toMatch('not in its index')
    expect(await refusal(await tarOf([...entries.slice(0, 2), entries[1]!]))).toMatch('twice')
    const grown = { ...blob, body: Buffer.concat([blob.body, Buffer.alloc(1)]) }
    expect(await refusal(await tarOf([...entries.slice(0, 3), grown]))).toMatch('not in its index')
    expect(await refusal(await tarOf([...entries, blob]))).toMatch('has data after its end')
    expect(await refusal(await tarOf([entries[0]!, plain('secrets.json', 'x'.repeat(2_000_000))]))).toMatch(
      'at most 1048576 are allowed',
    )
  })

  it('cannot contain extended headers, or an invalid index', async () => {
    await sample()
    const pax = Buffer.from(archive.subarray(0, 512))
    pax[156] = 'x'.charCodeAt(0)
    expect(await refusal(stream(Buffer.concat([pax, archive])))).toMatch('entries other than plain files')
    expect(await refusal(await tarOf([entries[0]!, plain('index.sqlite', 'no database'.repeat(100))]))).toMatch(
      'index is not a database',
    )
    expect(
      await refusal(
        stream(await readFile(process.execPath, { encoding: null }).then((bytes) => bytes.subarray(0, 100_000))),
      ),
    ).toMatch(/not a Postern backup/)
  })
})
