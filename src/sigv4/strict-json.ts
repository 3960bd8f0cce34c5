/**
 * JSON as in RFC 8259, without duplicate names in an object, because parsers differ in which one they use. Objects
 * become Maps, so that no name has a special meaning in JavaScript.
 */
export type Json = null | boolean | number | string | Json[] | Map<string, Json>

const maxDepth = 16
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// oxlint-disable-next-line no-control-regex
const string = /"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const space = /[ \t\n\r]*/y

/** Throws SyntaxError. The message describes the error and quotes nothing. */
export function parseStrictJson(text: string): Json {
  const reader = new Reader(text)
  const value = reader.value(0)
  reader.end()
  return value
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): Json {
    if (depth > maxDepth) throw new SyntaxError('too deep')
    this.#match(space)
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return this.#string()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      default:
        return Number(this.#match(number) || this.#fail())
    }
  }

  end(): void {
    this.#match(space)
    if (this.#at !== this.#text.length) this.#fail()
  }

  #object(depth: number): Map<string, Json> {
    const entries = new Map<string, Json>()
    this.#at++
    if (this.#take('}')) return entries
    do {
      this.#match(space)
      const name = this.#string()
      if (entries.has(name)) throw new SyntaxError('an object has a duplicate name')
      if (!this.#take(':')) this.#fail()
      entries.set(name, this.value(depth + 1))
    } while (this.#take(','))
    return this.#take('}') ? entries : this.#fail()
  }

  #array(depth: number): Json[] {
    const items: Json[] = []
    this.#at++
    if (this.#take(']')) return items
    do items.push(this.value(depth + 1))
    while (this.#take(','))
    return this.#take(']') ? items : this.#fail()
  }

  #string(): string {
    return JSON.parse(this.#match(string) || this.#fail()) as string
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail()
    this.#at += word.length
    return value
  }

  #take(char: string): boolean {
    this.#match(space)
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #fail(): never {
    throw new SyntaxError(`not JSON at character ${this.#at}`)
  }
}
