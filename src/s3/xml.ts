import { XMLParser } from 'fast-xml-parser'
import { S3Error } from './s3-error.ts'

/** An element's content: text, child elements in order, or nothing. */
export type XmlContent = string | number | boolean | XmlElement[]
/** `tag` is a name, optionally followed by attributes. */
export type XmlElement = readonly [tag: string, content: XmlContent]

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

const entityOf: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;' }

// XML 1.0 cannot represent these, not even as entities. A parser would reject the whole document.
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const notXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

export const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replace(notXml, '\ufffd')
    .replace(/[&<>"\r]/g, (char) => entityOf[char]!)

function write(content: XmlContent): string {
  if (!Array.isArray(content)) return escapeXml(String(content))
  let text = ''
  for (const [tag, inner] of content) text += `<${tag}>${write(inner)}</${tag.split(' ', 1)[0]}>`
  return text
}

/** A whole document. As on S3, errors have no namespace and results have one. */
export function xmlDocument(root: string, content: XmlContent, o: { namespace?: boolean } = {}): string {
  const attribute = o.namespace === false ? '' : ` xmlns="${namespace}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${write(content)}</${root}>`
}

/** Elements with the value undefined are left out. */
export function elements(values: Record<string, XmlContent | undefined>): XmlElement[] {
  const list: XmlElement[] = []
  for (const [name, content] of Object.entries(values)) if (content !== undefined) list.push([name, content])
  return list
}

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  // Entities are resolved below: five names and numbers. A document type, which could define more, is rejected.
  processEntities: false,
  ignorePiTags: true,
  cdataPropName: '#cdata',
  // Every element is a list, so that parsing does not depend on the number of occurrences.
  isArray: () => true,
  maxNestedTags: 16,
})

type Parsed = { [name: string]: unknown }

/** A parsed document. Elements are found by name, text is decoded. */
export class XmlNode {
  readonly #value: unknown
  constructor(value: unknown) {
    this.#value = value
  }

  children(name: string): XmlNode[] {
    const list = isParsed(this.#value) ? this.#value[name] : undefined
    return Array.isArray(list) ? list.map((value) => new XmlNode(value)) : []
  }

  child(name: string): XmlNode | undefined {
    return this.children(name)[0]
  }

  /** Names of the child elements. */
  names(): string[] {
    return isParsed(this.#value) ? Object.keys(this.#value).filter((name) => !name.startsWith('#')) : []
  }

  text(): string {
    const value = this.#value
    if (typeof value === 'string') return decodeEntities(value)
    if (!isParsed(value)) return ''
    const cdata = value['#cdata']
    if (cdata !== undefined) return (Array.isArray(cdata) ? cdata : [cdata]).map(cdataText).join('')
    return typeof value['#text'] === 'string' ? decodeEntities(value['#text']) : ''
  }

  /** The text of a child element, or undefined if it is missing. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text()
  }
}

const isParsed = (value: unknown): value is Parsed =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const cdataText = (value: unknown): string =>
  isParsed(value) ? String(value['#text'] ?? '') : typeof value === 'string' ? value : ''

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+);/gi, (whole, entity: string) => {
    if (!entity.startsWith('#')) return Object.hasOwn(named, entity) ? named[entity]! : whole
    const code = /^#x/i.test(entity) ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1))
    if (code > 0x10_ffff || (code >= 0xd800 && code < 0xe000)) throw malformed()
    return String.fromCodePoint(code)
  })
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Whether a document has more than `most` occurrences of a text. Cheap, unlike parsing it. */
export function holdsMore(body: Buffer, text: string, most: number): boolean {
  let count = 0
  for (let at = body.indexOf(text); at >= 0; at = body.indexOf(text, at + text.length)) {
    if (++count > most) return true
  }
  return false
}

/** Parses a request's document. Throws MalformedXML unless it is a well-formed `<root>`. */
export function parseXml(body: Uint8Array, root: string): XmlNode {
  let document: unknown
  try {
    const text = utf8.decode(body)
    if (/<!(?!--|\[CDATA\[)/.test(text)) throw malformed()
    document = parser.parse(text, true)
  } catch (cause) {
    if (cause instanceof S3Error) throw cause
    throw Object.assign(malformed(), { cause })
  }
  const names = isParsed(document) ? Object.keys(document).filter((name) => !/^[?#]/.test(name)) : []
  const found = new XmlNode(document).children(root)
  if (names.length !== 1 || found.length !== 1) throw malformed()
  return found[0]!
}

export const malformed = (): S3Error =>
  new S3Error(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema.',
  )
