/** Why bytes are not what they were granted as, with the mistake that usually causes it. */
import { essenceOf } from '../media-type.ts'
import type { Recognised, Wrapping } from './recognise.ts'
import { hasMandatorySignature } from './type-families.ts'

const causes: Record<Wrapping, readonly [what: string, remedy: string]> = {
  form: ['a multipart form', 'The file was wrapped in a form; send the bare file as the body, not a FormData.'],
  'data URL': ['a data URL', 'The file was read as a data URL; send the File or Blob itself as the body.'],
  'stringified object': [
    'an object turned into a string',
    'The object that holds the file was sent; send the File or Blob itself as the body.',
  ],
  base64: ['base64', 'The file was encoded as base64; send its bytes as they are.'],
  JSON: ['JSON', 'The file was wrapped in JSON; send the bare file as the body.'],
}

export function whatIsWrong(granted: string, found: Recognised): string {
  const upload = `The upload was granted for ${granted},`
  if (found.markup !== undefined) return `${upload} its bytes are ${found.markup}. ${another}`
  if (found.wrapping !== undefined && (found.signature === undefined || found.weak)) {
    const [what, remedy] = causes[found.wrapping]
    return `${upload} its bytes are text: ${what}. ${remedy}`
  }
  if (found.empty) return `${upload} the file is empty (0 bytes). Send the file itself as the body.`
  if (found.signature !== undefined && !found.weak) return `${upload} its bytes are ${found.signature}. ${another}`
  if (found.utf8) return `${upload} its bytes are text. Send the bare file as the body.`
  if (!hasMandatorySignature(essenceOf(granted))) return `${upload} its bytes are binary data. ${another}`
  return `${upload} its bytes do not begin as a file of that type does. ${another}`
}

const another = 'Send the file that was announced, or ask for an upload URL with the type that it has.'
