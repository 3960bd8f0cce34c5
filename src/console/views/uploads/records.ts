/** Unfinished uploads: the pages of the server's list without those being deleted. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { request } from '../../api.ts'
import { deletes } from '../../files/deletes.ts'
import { queryClient } from '../../query.ts'
import { Store, useStore } from '../../store.ts'
import { uploads } from '../../uploads.ts'
import type { PendingPage } from './pending.ts'

const queryKey = ['uploads']
/** Milliseconds. Each refresh costs the server one request to the store per upload. */
const refreshIntervalMs = 10_000

export const reload = (): Promise<void> => queryClient.invalidateQueries({ queryKey })

export function usePending() {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      request<PendingPage>(`/console/uploads?progress=true&limit=20${pageParam && `&cursor=${pageParam}`}`, { signal }),
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    refetchInterval: refreshIntervalMs,
  })
  useEffect(refreshWhenUploadsEnd, [])
  const { ids } = useStore(hidden)
  const pending = query.data?.pages.flatMap((page) => page.uploads).filter(({ id }) => !ids.has(id)) ?? []
  return { ...query, pending }
}

/** Refreshes the list when an upload of this page starts or ends. */
function refreshWhenUploadsEnd(): () => void {
  const done = (): string =>
    uploads
      .getSnapshot()
      .items.map(({ fileId, state }) => `${fileId} ${state === 'success' || state === 'canceled' || state === 'error'}`)
      .join()
  let before = done()
  return uploads.subscribe(() => {
    const now = done()
    if (now !== before) void reload()
    before = now
  })
}

/** Uploads being deleted stay hidden until the server confirms that they are gone. */
const hidden = new Store<{ ids: ReadonlySet<string> }>({ ids: new Set() })

deletes.subscribe(() => {
  const deleting = deletes.get().waiting.map(({ id }) => id)
  const { ids } = hidden.get()
  if (deleting.some((id) => !ids.has(id))) hidden.set({ ids: new Set([...ids, ...deleting]) })
  if (deleting.length > 0) return
  setTimeout(() => void reload().then(() => hidden.set({ ids: new Set() })), 500)
})
