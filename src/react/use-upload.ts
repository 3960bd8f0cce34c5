import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { type Client, type ClientOptions, createClient } from '../client/index.ts'
import { UploadList, type UploadListOptions, type UploadsSnapshot } from './upload-list.ts'

/** A client, or what to make one of. Read once, when the component mounts. */
export type UploadSource = { client: Client } | ClientOptions

export type UseUploadOptions = UploadSource &
  UploadListOptions & {
    /** Whether what earlier visits left unfinished is listed, as `needs-file`. */
    restore?: boolean
    /** What becomes of running uploads when the component is gone. Default `cancel`. */
    onUnmount?: 'cancel' | 'keep'
  }

export type Uploads = UploadsSnapshot &
  Pick<UploadList, 'add' | 'upload' | 'pause' | 'resume' | 'cancel' | 'retry' | 'remove' | 'reset'>

/** Uploads and what is known of them. Ids left out mean all. Safe under StrictMode and on a server. */
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
    // oxlint-disable-next-line react/exhaustive-deps -- at mount, once
  }, [])
  useEffect(() => {
    mounted.current = true
    return () => {
      mounted.current = false
      // StrictMode mounts again at once: only who stays away is gone.
      setTimeout(() => {
        if (!mounted.current && latest.current.onUnmount !== 'keep') list.cancel()
      })
    }
  }, [list])

  const { add, upload, pause, resume, cancel, retry, remove, reset } = list
  return { ...snapshot, add, upload, pause, resume, cancel, retry, remove, reset }
}
