/** File actions, shared by buttons, keyboard shortcuts and the drawer. */
import { ApiError, getDownload } from './api.ts'
import type { FileRecord } from './api.ts'
import { formatDuration } from './format.ts'
import { toasts } from './toasts.ts'

/** Types that browsers display well but the store serves as attachments for safety. */
const previewedLocally = new Set(['application/pdf'])

const reason = (error: unknown): string => (error instanceof ApiError ? error.message : 'The browser blocked it.')

let downloadStartedAt = -Infinity

/** A download navigates without leaving the page, so it must not trigger the warning about running uploads. */
export const leavingForDownload = (): boolean => performance.now() - downloadStartedAt < 1000

export async function download(file: FileRecord): Promise<void> {
  try {
    const { downloadUrl } = await getDownload(file.id, { disposition: 'attachment' })
    const link = document.createElement('a')
    link.href = downloadUrl
    link.rel = 'noreferrer'
    // The response is an attachment with a filename, so the browser stays on this page.
    downloadStartedAt = performance.now()
    link.click()
  } catch (error) {
    toasts.say(`Could not start the download. ${reason(error)}`, 'bad')
  }
}

/** Opens the file in a new tab. Types that are not on the server's inline list are downloaded. */
export async function open(file: FileRecord): Promise<void> {
  // Open the tab before awaiting anything. Browsers block it as a pop-up otherwise.
  const tab = window.open('about:blank', '_blank')
  try {
    const { downloadUrl } = await getDownload(file.id, { disposition: 'inline' })
    const url = previewedLocally.has(file.mimeType) ? await localCopy(downloadUrl, file.mimeType) : downloadUrl
    if (!tab) return location.assign(url)
    tab.opener = null
    tab.location.replace(url)
  } catch (error) {
    tab?.close()
    toasts.say(`Could not open the file. ${reason(error)}`, 'bad')
  }
}

/** Returns a blob URL of the bytes, valid until this page is closed. */
async function localCopy(url: string, type: string): Promise<string> {
  const answer = await fetch(url)
  if (!answer.ok) throw new ApiError(answer.status, 'Store', `The store responded with ${answer.status}.`)
  return URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type }))
}

/** `expiresIn` in seconds. Without it the server's default applies. */
export async function copyLink(file: FileRecord, expiresIn?: number): Promise<void> {
  try {
    const link = getDownload(file.id, { disposition: 'inline', ...(expiresIn ? { expiresIn } : {}) })
    await copyText(link.then((d) => d.downloadUrl))
    toasts.say(`Link copied. Anyone with the link can read the file for ${formatDuration((await link).expiresIn)}.`)
  } catch (error) {
    toasts.say(`Could not copy the link. ${reason(error)}`, 'bad')
  }
}

/** The clipboard must be requested during the click, so the text may be a promise. Plain HTTP needs the legacy API. */
export async function copyText(text: string | Promise<string>): Promise<void> {
  if (window.isSecureContext && navigator.clipboard && typeof ClipboardItem === 'function') {
    const blob = Promise.resolve(text).then((t) => new Blob([t], { type: 'text/plain' }))
    blob.catch(() => undefined)
    try {
      return await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })])
    } catch {
      await blob // reports a failed request as such, not as a clipboard error
    }
  }
  copyBySelection(await text)
}

function copyBySelection(text: string): void {
  const area = document.createElement('textarea')
  const focused = document.activeElement
  area.value = text
  area.className = 'visually-hidden'
  // Append to the open dialog. Elements outside it cannot take the focus.
  ;(document.querySelector('dialog[open]') ?? document.body).append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  if (!copied) throw new Error('The browser blocked access to the clipboard.')
}
