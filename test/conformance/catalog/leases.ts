import { describe, expect, it } from 'vitest'
import { at, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

export function leaseObligations(make: MakeCatalog): void {
  const the = useCatalog(make)
  const take = (holder: string, now: number, until: number, name = 'collect') =>
    the.catalog.takeLease(name, { holder, now: at(now), until: at(until) })

  describe('leases', () => {
    it('have one holder, who can extend them, until they expire', async () => {
      expect(await take('a', 0, 60)).toBe(true)
      expect(await take('b', 59, 120)).toBe(false)
      expect(await take('a', 59, 120)).toBe(true)
      expect(await take('b', 119, 180)).toBe(false)
      expect(await take('b', 120, 180)).toBe(true)
      expect(await take('a', 121, 180)).toBe(false)
      expect(await take('a', 121, 180, 'another')).toBe(true)
    })

    it('from a clock that was far ahead are free, and a clock that is slightly behind takes none', async () => {
      const year = 365 * 86_400
      await take('ended', year, year + 60)
      expect(await take('next', 0, 60)).toBe(true)
      expect(await take('behind', -600, -540)).toBe(false)
    })

    it('go to one of many concurrent requests', async () => {
      const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => take(`h${i}`, 0, 60)))
      expect(answers.filter(Boolean)).toHaveLength(1)
    })

    it('are released only by their holder', async () => {
      await take('a', 0, 60)
      await the.catalog.dropLease('collect', 'b')
      expect(await take('b', 1, 60)).toBe(false)
      await the.catalog.dropLease('collect', 'a')
      expect(await take('b', 1, 60)).toBe(true)
    })

    it('are listed with their notes until they expire, and deleted later', async () => {
      const { catalog } = the
      await catalog.takeLease('instance:b', { holder: 'b', now: at(0), until: at(60), note: 'words' })
      await catalog.takeLease('instance:a', { holder: 'a', now: at(0), until: at(30) })
      await take('a', 0, 60)
      expect(await catalog.listLeases('instance:', at(29))).toEqual([
        { name: 'instance:a', holder: 'a', expiresAt: at(30), note: null },
        { name: 'instance:b', holder: 'b', expiresAt: at(60), note: 'words' },
      ])
      expect((await catalog.listLeases('instance:', at(30))).map(({ holder }) => holder)).toEqual(['b'])
      await catalog.forgetLeases(at(31))
      expect((await catalog.listLeases('', at(0))).map(({ name }) => name)).toEqual(['collect', 'instance:b'])
    })
  })
}
