/** The list of files: pages of the server's list plus changes made since. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { InfiniteData } from '@tanstack/react-query'
import { getFile, getUsage, listFiles } from '../api.ts'
import type { FilePage, FileRecord, Usage } from '../api.ts'
import { queryClient } from '../query.ts'

type Pages = InfiniteData<FilePage, string>
const all = ['files'] as const

export const useFiles = (q: string) =>
  useInfiniteQuery({
    queryKey: [...all, q],
    queryFn: ({ pageParam, signal }) => listFiles({ q, signal, ...(pageParam ? { cursor: pageParam } : {}) }),
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  })

/** A single file, which may not be on a loaded page. */
export const useFile = (id: string | null, listed: FileRecord | undefined) =>
  useQuery({
    queryKey: ['file', id],
    queryFn: ({ signal }) => getFile(id ?? '', signal),
    enabled: id !== null && listed === undefined,
  })

const usageKey = ['usage']

/** Optional. If usage cannot be loaded, nothing is shown. */
export const useUsage = (): Usage | null => useQuery({ queryKey: usageKey, queryFn: () => getUsage() }).data ?? null

/** Milliseconds. Many uploads end at about the same time, so the list is updated once for all of them. */
const batchDelayMs = 150
let inserted: FileRecord[] = []
let gathering: ReturnType<typeof setTimeout> | undefined

function change(how: (files: FileRecord[], at: number, q: string) => FileRecord[]): void {
  for (const [key, pages] of queryClient.getQueriesData<Pages>({ queryKey: all })) {
    if (!pages) continue
    const q = String(key[1] ?? '')
    const changed = pages.pages.map((page, at) => ({ ...page, files: how(page.files, at, q) }))
    queryClient.setQueryData<Pages>(key, { ...pages, pages: changed })
  }
}

const matches = (file: FileRecord, q: string): boolean => file.filename.toLowerCase().includes(q.toLowerCase())

/** Puts a file that has just been uploaded at the top. */
export function insertFile(file: FileRecord): void {
  inserted.unshift(file)
  gathering ??= setTimeout(() => {
    const fresh = inserted
    inserted = []
    gathering = undefined
    const ids = new Set(fresh.map((f) => f.id))
    change((files, at, q) => {
      const others = files.filter((f) => !ids.has(f.id))
      return at === 0 ? [...fresh.filter((f) => matches(f, q)), ...others] : others
    })
    refreshUsage()
  }, batchDelayMs)
}

function refreshUsage(): void {
  void queryClient.invalidateQueries({ queryKey: usageKey })
}

export function replaceFile(file: FileRecord): void {
  change((files) => files.map((f) => (f.id === file.id ? file : f)))
  queryClient.setQueryData(['file', file.id], file)
}

export function dropFiles(ids: ReadonlySet<string>): void {
  change((files) => files.filter((f) => !ids.has(f.id)))
}

export function reloadFiles(): void {
  void queryClient.invalidateQueries({ queryKey: all })
  refreshUsage()
}
