/** Media types read as browsers read them: https://mimesniff.spec.whatwg.org/#parsing-a-mime-type. Pure. */
import { MIMEType } from 'whatwg-mimetype'

/** null: browsers would ignore the value and decide from the bytes. */
export const parseMimeType = (value: string): MIMEType | null => MIMEType.parse(value)

/** A list item of a header. Commas within quotes do not end it. */
const listItem = /(?:[^",]|"(?:\\[^]|[^"\\])*"?)+/g

/**
 * `Image/PNG; q=1` → `image/png`, and an empty string for a value that names no type. A browser takes a Content-Type
 * header for a list and believes its last media type, so `image/png;a=b,text/html` is `text/html`:
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
