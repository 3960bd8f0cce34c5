/** Which files a browser runs rather than shows. */
import { essenceOf } from './media-type.ts'

/** HTML, SVG, XML and JavaScript, by every name that browsers know; `+xml` is how RFC 7303 names kinds of XML. */
const active = /[/+](?:x-)?(?:html|xhtml|svg|xml|xsl|xslt|javascript|ecmascript|jscript|livescript|vbscript)(?![a-z])/

/** Whether a page of this type runs scripts in the origin that serves it, or is loaded as a script by others. */
export const isActiveType = (mimeType: string): boolean => active.test(essenceOf(mimeType))
