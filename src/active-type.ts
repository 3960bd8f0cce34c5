/** Types of files in which browsers run scripts. */
import { essenceOf } from './media-type.ts'

/** HTML, SVG, XML and JavaScript, with all names that browsers accept. RFC 7303 defines the suffix `+xml`. */
const active = /[/+](?:x-)?(?:html|xhtml|svg|xml|xsl|xslt|javascript|ecmascript|jscript|livescript|vbscript)(?![a-z])/

/** Whether a file of this type can run scripts in the origin that serves it, or can be loaded as a script. */
export const isActiveType = (mimeType: string): boolean => active.test(essenceOf(mimeType))
