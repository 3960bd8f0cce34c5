import type { ConsoleMessage, Page } from 'playwright-core'

/** Said by a browser itself, of what is no fault of the page. */
const notices = [
  // Firefox, when a request to another origin met no network.
  /^Cross-Origin Request Blocked: .*\(Reason: CORS request did not succeed\)/,
  // WebKit, of a file that it was reading when the page was left.
  /^Cannot load blob:/,
  // WebKit does not know this directive.
  /Unrecognized Content-Security-Policy directive 'manifest-src'/,
  // Firefox, of its viewer of PDF documents.
  /^Warning: Invalid absolute docBaseUrl/,
  // WebKit, of its viewer of PDF documents.
  /webkit-pdfjs-viewer/,
  /^Refused to apply a stylesheet/,
]

/** What goes wrong in the page from now on: uncaught errors, and messages of its console that `isFault` accepts. */
export function watchFaults(page: Page, isFault: (message: ConsoleMessage) => boolean): string[] {
  const faults: string[] = []
  const add = (text: string): void => {
    if (!notices.some((notice) => notice.test(text))) faults.push(text)
  }
  // Some drivers split a notice at its first colon.
  page.on('pageerror', ({ name, message }) => add(name === 'Error' ? message : `${name}: ${message}`))
  page.on('console', (message) => {
    if (isFault(message)) add(message.text())
  })
  return faults
}
