/** The unfinished uploads as the page knows them: pages of the server's list, less what is being removed. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { request } from '../../api.ts'
import { deletes } from '../../files/deletes.ts'
import { queryClient } from '../../query.ts'
import { Store, useStore } from '../../store.ts'
import { uploads } from '../../uploads.ts'
import type { PendingPage } from './pending.ts'

const queryKey = ['uploads']
/** Milliseconds. Each look costs the server a request to the store for every upload. */
const lookEvery = 10_000

export const lookAgain = (): Promise<void> => queryClient.invalidateQueries({ queryKey })

export function usePending() {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      request<PendingPage>(`/console/uploads?progress=true&limit=20${pageParam && `&cursor=${pageParam}`}`, { signal }),
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    refetchInterval: lookEvery,
  })
  useEffect(lookWhenUploadsEnd, [])
  const { ids } = useStore(hidden)
  const pending = query.data?.pages.flatMap((page) => page.uploads).filter(({ id }) => !ids.has(id)) ?? []
  return { ...query, pending }
}

/** What this page has begun or ended changes the list. */
function lookWhenUploadsEnd(): () => void {
  const done = (): string =>
    uploads
      .getSnapshot()
      .items.map(({ fileId, state }) => `${fileId} ${state === 'success' || state === 'canceled' || state === 'error'}`)
      .join()
  let before = done()
  return uploads.subscribe(() => {
    const now = done()
    if (now !== before) void lookAgain()
    before = now
  })
}

/** What is being removed stays out of the list until the server was asked whether it is gone. */
const hidden = new Store<{ ids: ReadonlySet<string> }>({ ids: new Set() })

deletes.subscribe(() => {
  const deleting = deletes.get().waiting.map(({ id }) => id)
  const { ids } = hidden.get()
  if (deleting.some((id) => !ids.has(id))) hidden.set({ ids: new Set([...ids, ...deleting]) })
  if (deleting.length > 0) return
  setTimeout(() => void lookAgain().then(() => hidden.set({ ids: new Set() })), 500)
})
