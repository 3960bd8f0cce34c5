import { describe, expect, it } from 'vitest'
import { confirmedFile, newUpload, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

export function totalsObligations(make: MakeCatalog): void {
  const the = useCatalog(make)

  describe('totals', () => {
    it('are zero at first, and then the sums of all owners', async () => {
      expect(await the.catalog.totals()).toEqual({ bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 })
      await confirmedFile(the.catalog)
      await the.catalog.createUpload(newUpload({ file: { owner: 'bob' } }))
      const [alice, bob] = [await the.catalog.usage('alice'), await the.catalog.usage('bob')]
      expect(alice.bytes).toBeGreaterThan(0)
      expect(bob.reservedBytes).toBeGreaterThan(0)
      expect(await the.catalog.totals()).toEqual({
        bytes: alice.bytes,
        files: 1,
        reservedBytes: bob.reservedBytes,
        reservedFiles: 1,
      })
    })
  })
}
