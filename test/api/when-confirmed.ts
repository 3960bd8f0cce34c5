import { expect, vi } from 'vitest'
import type { Caller, FileJson } from './caller.ts'

/** The file once it has confirmed itself: at once where bytes pass through the gateway, soon where a bucket gets them. */
export const whenConfirmed = (user: Caller, id: string): Promise<FileJson> =>
  vi.waitFor(
    async () => {
      const { json } = await user.get(`/files/${id}`)
      expect(json.status).toBe('confirmed')
      return json
    },
    { timeout: 20_000, interval: 100 },
  )
