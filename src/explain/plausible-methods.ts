import { change, type Change } from './change.ts'
import type { Original } from './original.ts'

const methods = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE']

export function plausibleMethods(sent: Original): Change[] {
  return methods
    .filter((method) => method !== sent.method)
    .map((method) =>
      change(
        'MethodChanged',
        { signed: method, sent: sent.method },
        {
          message: `The URL was signed for ${method} but used with ${sent.method}.`,
          advice: adviceFor(method, sent.method),
        },
        (original) => ({ ...original, method }),
      ),
    )
}

function adviceFor(signed: string, sent: string): string {
  if (sent === 'HEAD' && signed === 'GET') {
    return 'Use the headUrl that is issued with the downloadUrl, or send GET with "Range: bytes=0-0".'
  }
  if (sent === 'POST' && signed === 'PUT') {
    return 'Send the bytes with PUT instead of a form: curl -T FILE, or fetch with method "PUT" and the file as body.'
  }
  return `Send ${signed}, or request a URL for ${sent}.`
}
