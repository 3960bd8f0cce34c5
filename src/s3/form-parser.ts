/**
 * Parses browser forms, multipart/form-data (RFC 7578), for POST Object: fields first, then one file, the rest is
 * ignored. Strict, because a form that two parsers interpret differently could bypass a policy.
 * docs/decisions/0005-form-parser.md explains why no library is used.
 */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { StorageError } from '../errors.ts'
import { FilePart, malformed, maxFieldBytes } from './form-file.ts'
import { GrowingBuffer } from './growing-buffer.ts'
import { S3Error } from './s3-error.ts'
import { connect } from './streaming-body.ts'

export type FormFile = {
  /** The filename in the form. Not validated. */
  name: string
  /** Reads the bytes once. `checkSize` gets their number before the stream ends. If it throws, there is no file. */
  open(checkSize: (size: number) => void): Readable
}

export type Form = {
  /** In order, without duplicates. Names as sent. */
  fields: Map<string, string>
  /** null if the form has no file. */
  file: FormFile | null
}

const maxFields = 100
const blankLine = Buffer.from('\r\n\r\n')
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The boundary of a Content-Type. Throws NotMultipart or MalformedPOSTRequest. */
export function readBoundary(contentType: string | undefined): string {
  if (!/^multipart\/form-data\s*(;|$)/i.test(contentType ?? '')) {
    throw new S3Error('NotMultipart', 'Bucket POST must be of the enclosure-type multipart/form-data')
  }
  const match = /;\s*boundary=(?:"([^"\\]{1,70})"|([\w'()+,./:=?-]{1,70}))\s*(?:;|$)/i.exec(contentType ?? '')
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw malformed('the boundary is missing.')
  return boundary
}

type Part = { name: string; filename: string | undefined }

/** Reads up to the file's first byte. Errors: MalformedPOSTRequest, InvalidArgument for a duplicate field. */
export function readForm(req: IncomingMessage, boundary: string): Promise<Form> {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const form: Form = { fields: new Map(), file: null }
  // The first delimiter has no line break before it.
  const received = new GrowingBuffer(Buffer.from('\r\n'))
  let part: Part | null = null
  /** Bytes of the field already searched without finding a delimiter. */
  let searched = 0

  /** Returns true once the form's fields are complete. */
  const advance = (): boolean => {
    for (;;) {
      if (part === null) {
        const next = beginPart(received.bytes, delimiter)
        if (next === null) return false
        if (next === 'end') return true
        part = next.part
        received.consume(next.length)
        if (part.name.toLowerCase() === 'file') {
          form.file = { name: part.filename ?? '', open: (checkSize) => openFile(checkSize) }
          return true
        }
      }
      const { bytes } = received
      const end = bytes.indexOf(delimiter, searched)
      if (end === -1) {
        searched = Math.max(0, bytes.length - delimiter.length + 1)
        return false
      }
      addField(form.fields, part.name, decode(bytes.subarray(0, end)))
      received.consume(end)
      searched = 0
      part = null
    }
  }

  const openFile = (checkSize: (size: number) => void): Readable => {
    const file = new FilePart(delimiter, checkSize)
    file.write(received.bytes)
    connect(req, file)
    return file
  }

  return new Promise((resolve, reject) => {
    let total = 0
    const stop = (settle: () => void): void => {
      req.off('data', take).off('end', cut).off('error', broken)
      req.pause()
      settle()
    }
    const take = (chunk: Buffer): void => {
      try {
        total += chunk.length
        received.append(chunk)
        if (!advance()) {
          if (total > maxFieldBytes) throw malformed(`the fields are over the limit of ${maxFieldBytes / 1024} KB.`)
          return
        }
        stop(() => resolve(form))
      } catch (error) {
        stop(() => reject(error))
      }
    }
    const cut = (): void => stop(() => reject(malformed('the body ends within a field.')))
    const broken = (cause: unknown): void => stop(() => reject(new StorageError('IncompleteBody', { cause })))
    req.on('data', take).on('end', cut).on('error', broken)
  })
}

/** Parses a delimiter and the part's headers. Returns them with their length, or null if they are incomplete. */
function beginPart(bytes: Buffer, delimiter: Buffer): { part: Part; length: number } | 'end' | null {
  if (bytes.length < delimiter.length + 2) return null
  if (!bytes.subarray(0, delimiter.length).equals(delimiter)) throw malformed('a delimiter is missing.')
  const after = bytes.subarray(delimiter.length)
  if (after.subarray(0, 2).toString('latin1') === '--') return 'end'
  const end = after.indexOf(blankLine)
  if (end === -1) {
    if (after.length > 8192) throw malformed('the headers of a part are too large.')
    return null
  }
  if (!after.subarray(0, 2).equals(blankLine.subarray(0, 2)))
    throw malformed('a delimiter is not followed by a line break.')
  return {
    part: readPart(decode(after.subarray(2, end))),
    length: delimiter.length + end + blankLine.length,
  }
}

function readPart(head: string): Part {
  let disposition: string | undefined
  for (const line of head.split('\r\n')) {
    const [, name, value] = /^([\w-]+):[ \t]*([^\r\n]*)$/.exec(line) ?? []
    if (name === undefined) throw malformed('a part has an invalid header.')
    if (name.toLowerCase() === 'content-disposition') disposition = value
  }
  const parameters = readDisposition(disposition ?? '')
  const name = parameters.get('name')
  if (name === undefined) throw malformed('a part has no name.')
  return { name, filename: parameters.get('filename') }
}

const parameter = /;[ \t]*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))[ \t]*/y

/** `form-data; name="…"; filename="…"`. Browsers write quotes in names as %22, other clients with a backslash. */
function readDisposition(text: string): Map<string, string> {
  const parameters = new Map<string, string>()
  const type = /^form-data[ \t]*/i.exec(text)
  if (type === null) throw malformed('a part is not form-data.')
  parameter.lastIndex = type[0].length
  while (parameter.lastIndex < text.length) {
    const match = parameter.exec(text)
    if (match === null) throw malformed('a Content-Disposition is invalid.')
    const name = match[1]!.toLowerCase()
    if (parameters.has(name)) throw malformed('a Content-Disposition repeats a parameter.')
    parameters.set(name, match[2]?.replace(/\\(["\\])/g, '$1') ?? match[3] ?? '')
  }
  return parameters
}

function addField(fields: Map<string, string>, name: string, value: string): void {
  if (fields.size >= maxFields) throw malformed('there are too many fields.')
  if ([...fields.keys()].some((known) => known.toLowerCase() === name.toLowerCase())) {
    throw new StorageError('InvalidArgument', { message: 'A form field is given more than once.' })
  }
  fields.set(name, value)
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw malformed('a field is not UTF-8.')
  }
}
