/** All texts of `UploadDropzone`. Each can be replaced. */
import type { UploadState } from '../client/index.ts'
import { formatBytes, formatSeconds } from './format.ts'
import type { UploadItem } from './upload-list.ts'

export interface Strings {
  label: string
  dropHere: string
  hint: string
  list: string
  pause: (name: string) => string
  resume: (name: string) => string
  retry: (name: string) => string
  cancel: (name: string) => string
  remove: (name: string) => string
  chooseAgain: (name: string) => string
  progressOf: (name: string) => string
  states: Record<UploadState, string>
  /** Shown next to the state during an upload. */
  detail: (item: UploadItem) => string
  added: (count: number) => string
  uploaded: (name: string) => string
  failed: (name: string, why: string) => string
  rejected: (name: string, why: string) => string
}

export const english: Strings = {
  label: 'Choose files, or drop or paste them here',
  dropHere: 'Drop to upload',
  hint: '',
  list: 'Uploads',
  pause: (name) => `Pause ${name}`,
  resume: (name) => `Resume ${name}`,
  retry: (name) => `Retry ${name}`,
  cancel: (name) => `Cancel ${name}`,
  remove: (name) => `Remove ${name} from the list`,
  chooseAgain: (name) => `Choose ${name} again to resume`,
  progressOf: (name) => `Upload of ${name}`,
  states: {
    queued: 'waiting',
    hashing: 'reading',
    signing: 'signing',
    uploading: 'uploading',
    paused: 'paused',
    offline: 'waiting for network',
    retrying: 'retrying',
    finalizing: 'finishing',
    confirming: 'verifying',
    success: 'uploaded',
    error: 'failed',
    canceled: 'canceled',
    'needs-file': 'choose the file again',
  },
  detail: ({ size, state, progress: { loaded, bytesPerSecond, etaSeconds } }) => {
    if (state !== 'uploading') return formatBytes(size)
    const speed = bytesPerSecond ? `, ${formatBytes(bytesPerSecond)}/s` : ''
    const left = etaSeconds === null ? '' : `, ${formatSeconds(etaSeconds)} left`
    return `${formatBytes(loaded)} of ${formatBytes(size)}${speed}${left}`
  },
  added: (count) => (count === 1 ? '1 file added' : `${count} files added`),
  uploaded: (name) => `${name} uploaded`,
  failed: (name, why) => `${name} was not uploaded. ${why}`,
  rejected: (name, why) => `${name} cannot be uploaded here. ${why}`,
}
