/** What can be done with a file, whoever asks for it: a button, a key, the drawer. */
import { ApiError, getDownload } from './api.ts'
import type { FileRecord } from './api.ts'
import { formatDuration } from './format.ts'
import { toasts } from './toasts.ts'

/** Types that a browser shows well and that the store, for safety, hands out as attachments. */
const readHere = new Set(['application/pdf'])

const reason = (error: unknown): string => (error instanceof ApiError ? error.message : 'The browser refused.')

let downloadStartedAt = -Infinity

/** A download is a navigation that stays: the question whether to leave running uploads would be wrong. */
export const leavingForDownload = (): boolean => performance.now() - downloadStartedAt < 1000

export async function download(file: FileRecord): Promise<void> {
  try {
    const { downloadUrl } = await getDownload(file.id, { disposition: 'attachment' })
    const link = document.createElement('a')
    link.href = downloadUrl
    link.rel = 'noreferrer'
    // The answer says `attachment` and carries the name, so the page stays where it is.
    downloadStartedAt = performance.now()
    link.click()
  } catch (error) {
    toasts.say(`The download could not start. ${reason(error)}`, 'bad')
  }
}

/** Opens the file beside the page; types that are not on the server's inline list are downloaded. */
export async function open(file: FileRecord): Promise<void> {
  // Opened before anything is awaited: later, browsers take it for an unasked pop-up.
  const tab = window.open('about:blank', '_blank')
  try {
    const { downloadUrl } = await getDownload(file.id, { disposition: 'inline' })
    const url = readHere.has(file.mimeType) ? await localCopy(downloadUrl, file.mimeType) : downloadUrl
    if (!tab) return location.assign(url)
    tab.opener = null
    tab.location.replace(url)
  } catch (error) {
    tab?.close()
    toasts.say(`The file could not be opened. ${reason(error)}`, 'bad')
  }
}

/** The bytes as an address that this browser alone knows; it ends with the page. */
async function localCopy(url: string, type: string): Promise<string> {
  const answer = await fetch(url)
  if (!answer.ok) throw new ApiError(answer.status, 'Store', `The store answered ${answer.status}.`)
  return URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type }))
}

/** `expiresIn` in seconds; the server's own choice otherwise. */
export async function copyLink(file: FileRecord, expiresIn?: number): Promise<void> {
  try {
    const link = getDownload(file.id, { disposition: 'inline', ...(expiresIn ? { expiresIn } : {}) })
    await copyText(link.then((d) => d.downloadUrl))
    toasts.say(`Link copied. Whoever has it can read the file for ${formatDuration((await link).expiresIn)}.`)
  } catch (error) {
    toasts.say(`The link could not be copied. ${reason(error)}`, 'bad')
  }
}

/** The clipboard wants to be asked during the click, so the text may come later; plain HTTP has only the old way. */
export async function copyText(text: string | Promise<string>): Promise<void> {
  if (window.isSecureContext && navigator.clipboard && typeof ClipboardItem === 'function') {
    const blob = Promise.resolve(text).then((t) => new Blob([t], { type: 'text/plain' }))
    blob.catch(() => undefined)
    try {
      return await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })])
    } catch {
      await blob // a failed request is the reason, not the clipboard
    }
  }
  copyBySelection(await text)
}

function copyBySelection(text: string): void {
  const area = document.createElement('textarea')
  const focused = document.activeElement
  area.value = text
  area.className = 'visually-hidden'
  // Inside an open dialog, or focus cannot reach it.
  ;(document.querySelector('dialog[open]') ?? document.body).append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  if (!copied) throw new Error('The browser refused the clipboard.')
}
