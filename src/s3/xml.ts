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
  // Every element is a list, so that parsing does not depend on the number of occurrences.
  isArray: () => true,
  maxNestedTags: 16,
})

type Parsed = { [name: string]: unknown }

/** Names of child elements: `once` at most once, `many` any number of times. */
type Allowed = { once?: readonly string[]; many?: readonly string[] }

/** A parsed document. Elements are found by name, text is decoded. */
export class XmlNode {
  readonly #name: string
  readonly #value: unknown
  constructor(name: string, value: unknown) {
    this.#name = name
    this.#value = value
  }

  /**
   * Every element with children must call this: an ignored misspelling can mean "all objects" or "no retention".
   * Throws MalformedXML for an unknown or repeated element, and for text between elements.
   */
  allow({ once = [], many = [] }: Allowed): this {
    const text = isParsed(this.#value) ? this.#value['#text'] : this.#value
    if (typeof text === 'string' && text.trim() !== '') throw malformed(`${this.#name} contains text.`)
    for (const name of this.names()) {
      if (many.includes(name)) continue
      if (!once.includes(name)) throw malformed(`${this.#name} contains the unknown element ${name.slice(0, 80)}.`)
      if (this.children(name).length > 1) throw malformed(`${this.#name} contains ${name} more than once.`)
    }
    return this
  }

  children(name: string): XmlNode[] {
    const list = isParsed(this.#value) ? this.#value[name] : undefined
    return Array.isArray(list) ? list.map((value) => new XmlNode(name, value)) : []
  }

  child(name: string): XmlNode | undefined {
    return this.children(name)[0]
  }

  /** Names of the child elements. */
  names(): string[] {
    return isParsed(this.#value) ? Object.keys(this.#value).filter((name) => !name.startsWith('#')) : []
  }

  /** Throws MalformedXML if the element has child elements. */
  text(): string {
    if (typeof this.#value === 'string') return decodeEntities(this.#value)
    throw malformed(`${this.#name} must contain only text.`)
  }

  /** The text of a child element, or undefined if it is missing. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text()
  }
}

const isParsed = (value: unknown): value is Parsed =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

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

/** Replaces each CDATA section by escaped text, because the parser loses its position in the text around it. */
function withoutCdata(text: string): string {
  let out = ''
  let from = 0
  const until = (end: string, at: number): number => {
    const found = text.indexOf(end, at)
    if (found < 0) throw malformed()
    return found
  }
  const markup = /<(?:\?|!--|!\[CDATA\[|!)/g
  for (let match = markup.exec(text); match; match = markup.exec(text)) {
    const inner = markup.lastIndex
    switch (match[0]) {
      case '<?':
        markup.lastIndex = until('?>', inner) + 2
        break
      case '<!--':
        markup.lastIndex = until('-->', inner) + 3
        break
      case '<![CDATA[': {
        const end = until(']]>', inner)
        out += text.slice(from, match.index) + text.slice(inner, end).replace(/[&<>]/g, (char) => entityOf[char]!)
        from = markup.lastIndex = end + 3
        break
      }
      default:
        // A document type could define entities.
        throw malformed()
    }
  }
  return out + text.slice(from)
}

/** Parses a request's document. Throws MalformedXML unless it is a well-formed `<root>`. */
export function parseXml(body: Uint8Array, root: string): XmlNode {
  let document: unknown
  try {
    document = parser.parse(withoutCdata(utf8.decode(body)), true)
  } catch (cause) {
    if (cause instanceof S3Error) throw cause
    throw Object.assign(malformed(), { cause })
  }
  const names = isParsed(document) ? Object.keys(document).filter((name) => !/^[?#]/.test(name)) : []
  const found = new XmlNode('', document).children(root)
  if (names.length !== 1 || found.length !== 1) throw malformed()
  return found[0]!
}

/** `reason` is a sentence, added to the message of AWS. */
export const malformed = (reason?: string): S3Error => {
  const message = 'The XML you provided was not well-formed or did not validate against our published schema.'
  return new S3Error('MalformedXML', reason === undefined ? message : `${message} ${reason}`)
}
