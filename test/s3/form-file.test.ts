/** A form's file is complete and exact, however the bytes arrive. */
import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import type { IncomingMessage } from 'node:http'
import { expect, test, vi } from 'vitest'
import { FilePart } from '../../src/s3/form-file.ts'
import { readForm } from '../../src/s3/form-parser.ts'

const delimiter = '\r\n--b-b'
const content = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', '-', '--', 'b', 'b-', '\r\n-', '\r\n--', '\r\n--b', '\r\n--b-', 'x'), {
    maxLength: 40,
  })
  .map((pieces) => pieces.join(''))
  .filter((text) => !`${text}${delimiter}`.slice(0, -1).includes(delimiter))
const cuts = fc.array(fc.nat(80), { maxLength: 12 })

function split(text: string, at: number[]): Buffer[] {
  const edges = [0, ...at.filter((edge) => edge <= text.length).toSorted((a, b) => a - b), text.length]
  return edges.slice(1).map((edge, i) => Buffer.from(text.slice(edges[i], edge), 'latin1'))
}

async function read(pieces: Buffer[]): Promise<{ text: string; sizes: number[] }> {
  const sizes: number[] = []
  const file = new FilePart(Buffer.from(delimiter), (size) => sizes.push(size))
  const chunks = await Readable.from(pieces.filter(({ length }) => length > 0))
    .pipe(file)
    .toArray()
  return { text: Buffer.concat(chunks as Buffer[]).toString('latin1'), sizes }
}

const endings = fc.constantFrom('--', '--\r\n', '--\r\nepilogue', `\r\nX: y\r\n\r\nz${delimiter}--`)

test('is the same in any pieces', async () => {
  await fc.assert(
    fc.asyncProperty(content, endings, cuts, async (text, ending, at) => {
      const answer = await read(split(text + delimiter + ending, at))
      expect(answer).toEqual({ text, sizes: [text.length] })
    }),
    { numRuns: 2000 },
  )
})

test('is missing if the form does not end', async () => {
  const ends = fc.constantFrom(
    '',
    '-',
    '\r',
    '\r\n',
    '-x',
    'x-',
    `\r\nX: y\r\n\r\nz${delimiter}`,
    `\r\n${delimiter}\r\n--`,
  )
  await fc.assert(
    fc.asyncProperty(content, ends, cuts, async (text, end, at) => {
      await expect(read(split(text + delimiter + end, at))).rejects.toMatchObject({ code: 'MalformedPOSTRequest' })
    }),
    { numRuns: 500 },
  )
})

const formOf = (value: string): string =>
  `--b-b\r\nContent-Disposition: form-data; name="a"\r\n\r\n${value}${delimiter}` +
  `\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nthe file${delimiter}--\r\n`

async function parse(pieces: Buffer[]): Promise<{ fields: object; file: string | undefined }> {
  const request = Readable.from(pieces.filter(({ length }) => length > 0)) as unknown as IncomingMessage
  const { fields, file } = await readForm(request, 'b-b')
  const bytes = await file?.open(() => {}).toArray()
  return { fields: Object.fromEntries(fields), file: bytes && Buffer.concat(bytes as Buffer[]).toString() }
}

test('fields are the same in any pieces', async () => {
  await fc.assert(
    fc.asyncProperty(content, cuts, async (value, at) => {
      expect(await parse(split(formOf(value), at))).toEqual({ fields: { a: value }, file: 'the file' })
    }),
    { numRuns: 500 },
  )
})

test('copies a field that arrives byte by byte a few times, not once per packet', async () => {
  const value = 'x'.repeat(50_000)
  const pieces = Array.from(Buffer.from(formOf(value)), (byte) => Buffer.from([byte]))
  let copied = 0
  const concat = Buffer.concat
  const joined = vi.spyOn(Buffer, 'concat').mockImplementation((list, length) => {
    const whole = concat(list, length)
    copied += whole.length
    return whole
  })
  try {
    expect(await parse(pieces)).toEqual({ fields: { a: value }, file: 'the file' })
  } finally {
    joined.mockRestore()
  }
  expect(copied).toBeLessThan(10 * value.length)
})
