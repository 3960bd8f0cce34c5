/** The server's store and limits, for the badge, the drop target and the views. */
import { useQuery } from '@tanstack/react-query'
import { request } from './api.ts'

export type Limits = {
  /** Bytes. */
  maxSize: number
  /** Types such as `image/png`, or `image/*` for all images. */
  allowedTypes: string[]
  partSize: number
  /** Seconds. */
  expiresIn: number
  maxExpiresIn: number
  allowPublic: boolean
  /** null: no limit. */
  quota: { bytes: number | null; files: number | null }
}

type Store =
  | { driver: string; bucket: string; folder: string; freeBytes: number | null }
  | {
      driver: string
      delivery: 'direct' | 'proxied'
      bucket: string
      provider: string
      region: string | null
      /** null: AWS. */
      endpoint: string | null
    }

type StatusAnswer = {
  user: string
  /** Administrators see the settings and every user's requests. */
  admin: boolean
  store: Store
  /** The base URL of presigned URLs. */
  objectsUrl: string
  limits: Limits
}

export type ServerStatus = StatusAnswer & {
  driver: string
  /** In a folder of the server. */
  isLocal: boolean
  /** `storage`, `my-app @ eu-west-1`. */
  label: string
  freeBytes: number | null
  /** Presigned URLs point to the store itself, so this server does not see those requests. */
  isDirect: boolean
}

export function describe(answer: StatusAnswer): ServerStatus {
  const { store } = answer
  const { driver } = store
  if ('folder' in store) {
    const { folder: label, freeBytes } = store
    return { ...answer, driver, isLocal: true, label, freeBytes, isDirect: false }
  }
  const { bucket, region, endpoint, delivery } = store
  const place = endpoint ?? region
  const label = place === null ? bucket : `${bucket} @ ${place}`
  return { ...answer, driver, isLocal: false, label, freeBytes: null, isDirect: delivery === 'direct' }
}

/** null until loaded, or if loading fails. */
export function useServerStatus(): ServerStatus | null {
  const { data } = useQuery({
    queryKey: ['status'],
    queryFn: async ({ signal }) => describe(await request<StatusAnswer>('/console/status', { signal })),
    staleTime: 60_000,
  })
  return data ?? null
}
