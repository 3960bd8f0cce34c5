import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { type Client, type ClientOptions, createClient } from '../client/index.ts'
import { UploadList, type UploadListOptions, type UploadsSnapshot } from './upload-list.ts'

/** A client, or options to create one. Read once, at mount. */
export type UploadSource = { client: Client } | ClientOptions

export type UseUploadOptions = UploadSource &
  UploadListOptions & {
    /** Whether to list unfinished uploads of earlier visits, as `needs-file`. */
    restore?: boolean
    /** What happens to running uploads when the component unmounts. Default `cancel`. */
    onUnmount?: 'cancel' | 'keep'
  }

export type Uploads = UploadsSnapshot &
  Pick<UploadList, 'add' | 'upload' | 'pause' | 'resume' | 'cancel' | 'retry' | 'remove' | 'reset'>

/** The uploads and their actions. Without ids, an action applies to all. Safe under StrictMode and on a server. */
export function useUpload(o: UseUploadOptions): Uploads {
  const [list] = useState(() => new UploadList('client' in o ? o.client : createClient(o), o))
  const snapshot = useSyncExternalStore(list.subscribe, list.getSnapshot, list.getSnapshot)
  const mounted = useRef(false)
  const latest = useRef(o)

  useEffect(() => {
    list.options = o
    latest.current = o
  })
  useEffect(() => {
    if (o.restore) void list.restore()
    // oxlint-disable-next-line react/exhaustive-deps -- runs once, at mount
  }, [])
  useEffect(() => {
    mounted.current = true
    return () => {
      mounted.current = false
      // StrictMode unmounts and mounts again at once. Cancel only if the component stays unmounted.
      setTimeout(() => {
        if (!mounted.current && latest.current.onUnmount !== 'keep') list.cancel()
      })
    }
  }, [list])

  const { add, upload, pause, resume, cancel, retry, remove, reset } = list
  return { ...snapshot, add, upload, pause, resume, cancel, retry, remove, reset }
}
