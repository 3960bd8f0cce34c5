/** How the dock describes uploads. */
import type { UploadError, UploadState } from '../../client/index.ts'
import type { UploadItem, UploadsSnapshot } from '../../react/upload-list.ts'
import { formatBytes, formatBytesOf, formatEta, formatSpeed, plural } from '../format.ts'

const states = {
  queued: 'waiting',
  hashing: 'computing the checksum',
  signing: 'signing',
  uploading: 'uploading',
  paused: 'paused',
  offline: 'waiting for network',
  retrying: 'retrying',
  finalizing: 'finishing',
  confirming: 'verifying',
  success: 'done',
  error: 'failed',
  canceled: 'canceled',
  'needs-file': 'choose the file again to resume',
} satisfies Record<UploadState, string>

export const isSettled = ({ state }: UploadItem): boolean =>
  state === 'success' || state === 'error' || state === 'canceled'
const isResting = ({ state }: UploadItem): boolean => state === 'paused' || state === 'needs-file'
export const isBusy = (item: UploadItem): boolean => !isSettled(item) && !isResting(item)
export const canPause = (item: UploadItem): boolean => isBusy(item) && item.state !== 'confirming'

export function stateInWords({ state, progress }: UploadItem): string {
  // Bytes have been sent already, so the URL expired or the next parts need URLs.
  if (state === 'signing' && progress.loaded > 0) return 'signing again'
  if (state === 'retrying') return `retrying, attempt ${progress.attempt}`
  return states[state]
}

export function detail({ size, state, progress, why, error }: UploadItem): string {
  const { loaded, bytesPerSecond, etaSeconds, part } = progress
  if (error) return error.message
  if (why && (state === 'signing' || state === 'retrying')) return reasonInWords(why)
  if (state === 'uploading')
    return [
      formatBytesOf(loaded, size),
      ...(bytesPerSecond ? [formatSpeed(bytesPerSecond)] : []),
      ...(etaSeconds === null ? [] : [formatEta(etaSeconds)]),
    ].join(' · ')
  if (part && state !== 'success') return `${part.done} of ${part.total} parts · ${formatBytes(size)}`
  return formatBytes(size)
}

function reasonInWords({ code, message, s3Code }: UploadError): string {
  if (code === 'expired') return 'Refused, because the URL expired.'
  const said = s3Code && !message.includes(s3Code) ? `${message.replace(/\.$/, '')} (${s3Code}).` : message
  return code === 'network' || code === 'stalled' ? said : `Refused: ${said}`
}

const count = (items: readonly UploadItem[], ...wanted: UploadState[]): number =>
  items.filter(({ state }) => wanted.includes(state)).length

/** `42 %, 3 of 12 files` during an upload, then its result. */
export function headline({ items, progress }: UploadsSnapshot): string {
  const busy = items.filter(isBusy).length
  if (busy > 0) return `Uploading ${plural(busy, 'file')} · ${progress.percent} %`
  const done = count(items, 'success')
  const [failed, canceled] = [count(items, 'error'), count(items, 'canceled')]
  const [paused, unfinished] = [count(items, 'paused'), count(items, 'needs-file')]
  return [
    ...(paused > 0 ? [`${plural(paused, 'upload')} paused · ${progress.percent} %`] : []),
    ...(unfinished > 0 ? [`${plural(unfinished, 'upload')} from an earlier visit unfinished`] : []),
    ...(done > 0 ? [`${plural(done, 'file')} uploaded`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(canceled > 0 ? [`${canceled} canceled`] : []),
  ].join(' · ')
}

/** Speed, time left, and what uploads are waiting for. */
export function waits({ items, progress }: UploadsSnapshot): string {
  const { bytesPerSecond, etaSeconds } = progress
  const reasons: [string, number][] = [
    ['for network', count(items, 'offline')],
    ['to retry', count(items, 'retrying')],
    ['in the queue', count(items, 'queued')],
    ['for you to choose the file', count(items, 'needs-file')],
  ]
  const isMoving = bytesPerSecond > 0
  return [
    ...(isMoving ? [formatSpeed(bytesPerSecond)] : []),
    ...(isMoving && etaSeconds !== null ? [formatEta(etaSeconds)] : []),
    ...reasons.flatMap(([reason, n]) => (n > 0 && items.some(isBusy) ? [`${n} waiting ${reason}`] : [])),
  ].join(' · ')
}
