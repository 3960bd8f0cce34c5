import { expect, vi } from 'vitest'
import { limit } from '../fixtures/time-limit.ts'
import type { Caller, FileJson } from './caller.ts'

/** The file once it has confirmed itself: at once where bytes pass through the gateway, soon where a bucket gets them. */
export const whenConfirmed = (user: Caller, id: string): Promise<FileJson> =>
  vi.waitFor(
    async () => {
      const { json } = await user.get(`/files/${id}`)
      expect(json.status).toBe('confirmed')
      return json
    },
    { timeout: limit(45_000), interval: 100 },
  )
