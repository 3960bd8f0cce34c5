/** The share links of a file. Anyone with the URL can read the file within the link's limits. */
import { useQuery } from '@tanstack/react-query'
import { ApiError, request } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { queryClient } from '../query.ts'
import { useServerStatus } from '../server-status.ts'

/** null: no limit on uses, no expiry. */
export type Link = { id: string; expiresAt: string | null; maxUses: number | null; uses: number; createdAt: string }
/** Seconds. null as above. */
export type LinkTerms = { expiresIn: number | null; maxUses: number | null }

const pathOf = (fileId: string): string => `/files/${encodeURIComponent(fileId)}/links`
const keyOf = (fileId: string): string[] => ['links', fileId]
const urlKey = (linkId: string): string[] => ['link-url', linkId]

/** Milliseconds. Links are used elsewhere, so their counts change while the page is open. */
const refreshIntervalMs = 10_000

export const useLinks = (fileId: string) =>
  useQuery({
    queryKey: keyOf(fileId),
    queryFn: async ({ signal }) => (await request<{ links: Link[] }>(pathOf(fileId), { signal })).links,
    refetchInterval: ({ state }) => (state.data?.length ? refreshIntervalMs : false),
    refetchOnWindowFocus: 'always',
  })

// The server returns a URL only once. Keep it for as long as this page and user stay.
queryClient.setQueryDefaults(['link-url'], { gcTime: Infinity })

/** null if an earlier visit or another client created the link. */
export const urlOfLink = (linkId: string): string | null => queryClient.getQueryData<string>(urlKey(linkId)) ?? null

export async function makeLink(fileId: string, { expiresIn, maxUses }: LinkTerms): Promise<Link & { url: string }> {
  const body = { ...(expiresIn === null ? {} : { expiresIn }), ...(maxUses === null ? {} : { maxUses }) }
  const made = await request<Omit<Link, 'createdAt'> & { url: string }>(pathOf(fileId), { method: 'POST', body })
  const { url, ...link } = { ...made, createdAt: new Date().toISOString() }
  // A list requested earlier does not contain the new link.
  await queryClient.cancelQueries({ queryKey: keyOf(fileId) })
  queryClient.setQueryData(urlKey(link.id), url)
  queryClient.setQueryData<Link[]>(keyOf(fileId), (links = []) => [link, ...links])
  void reload(fileId)
  return { ...link, url }
}

export const revokeLink = (fileId: string, linkId: string, keepalive: boolean): Promise<void> =>
  request(`${pathOf(fileId)}/${encodeURIComponent(linkId)}`, { method: 'DELETE', keepalive })

export function dropLinks(ids: ReadonlySet<string>): void {
  queryClient.setQueriesData<Link[]>({ queryKey: ['links'] }, (links) => links?.filter(({ id }) => !ids.has(id)))
  for (const id of ids) queryClient.removeQueries({ queryKey: urlKey(id) })
}

export const reload = (fileId: string): Promise<void> => queryClient.invalidateQueries({ queryKey: keyOf(fileId) })

const refusalKey = (fileId: string): string[] => ['links-refused', fileId]

/**
 * Why no link can be created for this file, or null if one can. The file's store may differ from the store of new
 * files.
 */
export function useNoLinks(file: FileRecord): string | null {
  const status = useServerStatus()
  const { data: refusal } = useQuery<string>({ queryKey: refusalKey(file.id), enabled: false })
  if (refusal !== undefined) return refusal
  if (!status?.isDirect) return null
  return 'This server cannot count or revoke downloads that go directly to the bucket. The operator can enable share links with storage.delivery: proxied.'
}

/** Remembers a response that says the store of this file supports no links. */
export function noteRefusal(fileId: string, error: unknown): void {
  if (error instanceof ApiError && error.code === 'NotSupported') {
    queryClient.setQueryData(refusalKey(fileId), error.message)
  }
}
