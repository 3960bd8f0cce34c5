/** Parses media types as browsers do. Source: https://mimesniff.spec.whatwg.org/#parsing-a-mime-type. Pure. */
import { MIMEType } from 'whatwg-mimetype'

/** Null if browsers would ignore the value and sniff the bytes. */
export const parseMimeType = (value: string): MIMEType | null => MIMEType.parse(value)

/** A list item of a header. Commas inside quotes do not separate items. */
const listItem = /(?:[^",]|"(?:\\[^]|[^"\\])*"?)+/g

/**
 * `Image/PNG; q=1` → `image/png`, and an empty string for a value without a type. Browsers treat a Content-Type header as a
 * list and use its last media type, so `image/png;a=b,text/html` is `text/html`. Source:
 * https://fetch.spec.whatwg.org/#concept-header-extract-mime-type.
 */
export function essenceOf(header: string): string {
  let essence = ''
  for (const [item] of header.matchAll(listItem)) {
    const type = parseMimeType(item)
    if (type !== null && type.essence !== '*/*') essence = type.essence
  }
  return essence
}
