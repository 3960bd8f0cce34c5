import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { NewLink } from '../../../src/catalog/catalog.ts'
import { at, confirmedFile, newUpload, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

export function linkObligations(make: MakeCatalog): void {
  const the = useCatalog(make)
  const newLink = (fileId: string, o: Partial<NewLink> = {}): NewLink => ({
    id: randomUUID(),
    fileId,
    tokenHash: randomUUID(),
    expiresAt: null,
    maxUses: null,
    mostLinks: 100,
    now: at(100),
    ...o,
  })
  const confirmed = async () => (await confirmedFile(the.catalog)).file.id
  const follow = (link: NewLink, seconds = 200, count = true, readers: string[] = []) =>
    the.catalog.followLink(link.tokenHash, {
      count,
      readers,
      remember: readers,
      until: at(seconds + 60),
      now: at(seconds),
    })

  describe('links', () => {
    it('are created only by the owner of a confirmed file, with the requested limits', async () => {
      const { file: pending } = await the.catalog.createUpload(newUpload())
      const id = await confirmed()
      const link = newLink(id, { expiresAt: at(500), maxUses: 3 })
      expect(await the.catalog.createLink('bob', link)).toBeNull()
      expect(await the.catalog.createLink('alice', newLink(pending.id))).toBeNull()
      expect(await the.catalog.createLink('alice', newLink(randomUUID()))).toBeNull()
      const made = await the.catalog.createLink('alice', link)
      expect(made).toEqual({
        id: link.id,
        fileId: id,
        expiresAt: at(500),
        maxUses: 3,
        uses: 0,
        createdAt: at(100),
      })
      expect(await the.catalog.listLinks('alice', id)).toEqual([made])
      expect(await the.catalog.listLinks('bob', id)).toEqual([])
    })

    it('are limited per file, also when created concurrently', async () => {
      const id = await confirmed()
      const making = Array.from({ length: 12 }, () => the.catalog.createLink('alice', newLink(id, { mostLinks: 5 })))
      const outcomes = await Promise.allSettled(making)
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
      const refused = outcomes.find((outcome) => outcome.status === 'rejected')
      expect(refused?.reason).toMatchObject({ code: 'QuotaExceeded' })
      expect(await the.catalog.listLinks('alice', id)).toHaveLength(5)
    })

    it('count each use, and never exceed maxUses under concurrency', async () => {
      const id = await confirmed()
      const link = newLink(id, { maxUses: 3 })
      await the.catalog.createLink('alice', link)
      expect(await follow(link, 200, false)).toMatchObject({ link: { uses: 0 }, file: { id } })
      const followed = await Promise.all(Array.from({ length: 50 }, () => follow(link)))
      const uses = followed.filter((use) => use !== null).map((use) => use.link.uses)
      expect(uses.toSorted()).toEqual([1, 2, 3])
      expect(await follow(link, 200, false)).toBeNull()
      expect(await the.catalog.listLinks('alice', id)).toMatchObject([{ uses: 3 }])
      // The last use is one: what it led to still works.
      expect(await the.catalog.isLinkAlive(link.id, at(200))).toBe(true)
    })

    it('count a reader once within the window, also for concurrent requests', async () => {
      const id = await confirmed()
      const link = newLink(id, { maxUses: 2 })
      await the.catalog.createLink('alice', link)
      const same = await Promise.all(Array.from({ length: 20 }, () => follow(link, 200, true, ['a', 'cookie'])))
      expect(same.map((use) => use?.link.uses)).toEqual(same.map(() => 1))
      expect(same.filter((use) => use?.isNew)).toHaveLength(1)
      expect(await follow(link, 259, true, ['other', 'cookie'])).toMatchObject({ isNew: false, link: { uses: 1 } })
      expect(await follow(link, 201, true, ['b'])).toMatchObject({ isNew: true, link: { uses: 2 } })
      // The link is spent, and its readers go on until they are forgotten. A look records nobody.
      expect(await follow(link, 202, false, ['c'])).toBeNull()
      expect(await follow(link, 202, true, ['c'])).toBeNull()
      expect(await follow(link, 260, true, ['b'])).toMatchObject({ isNew: false })
      expect(await follow(link, 260, false, ['b'])).toMatchObject({ isNew: false })
      expect(await follow(link, 260, true, ['a'])).toBeNull()
      expect(await follow(link, 261, true, ['b'])).toBeNull()
      expect(await the.catalog.listLinks('alice', id)).toMatchObject([{ uses: 2 }])
    })

    it('remember a reader per link', async () => {
      const id = await confirmed()
      const [one, other] = [newLink(id, { maxUses: 1 }), newLink(id, { maxUses: 1 })]
      for (const link of [one, other]) await the.catalog.createLink('alice', link)
      expect(await follow(one, 200, true, ['a'])).toMatchObject({ isNew: true })
      expect(await follow(other, 200, true, ['a'])).toMatchObject({ isNew: true })
    })

    it('expire at their time', async () => {
      const link = newLink(await confirmed(), { expiresAt: at(300) })
      await the.catalog.createLink('alice', link)
      expect(await follow(link, 299)).not.toBeNull()
      expect(await the.catalog.isLinkAlive(link.id, at(299))).toBe(true)
      expect(await follow(link, 300)).toBeNull()
      expect(await the.catalog.isLinkAlive(link.id, at(300))).toBe(false)
    })

    it('are revoked only by the owner', async () => {
      const id = await confirmed()
      const link = newLink(id)
      await the.catalog.createLink('alice', link)
      expect(await the.catalog.deleteLink('bob', id, link.id)).toBe(false)
      expect(await the.catalog.deleteLink('alice', await confirmed(), link.id)).toBe(false)
      expect(await the.catalog.isLinkAlive(link.id, at(200))).toBe(true)
      expect(await the.catalog.deleteLink('alice', id, link.id)).toBe(true)
      expect(await the.catalog.deleteLink('alice', id, link.id)).toBe(false)
      expect(await the.catalog.isLinkAlive(link.id, at(200))).toBe(false)
      expect(await follow(link)).toBeNull()
    })

    it('are deleted with their file, and with no other', async () => {
      const [gone, kept] = [await confirmed(), await confirmed()]
      const links = [newLink(gone), newLink(kept)]
      for (const link of links) await the.catalog.createLink('alice', link)
      await the.catalog.deleteFile('alice', gone, at(150))
      const alive = await Promise.all(links.map(({ id }) => the.catalog.isLinkAlive(id, at(200))))
      expect(alive).toEqual([false, true])
      expect(await follow(links[0]!)).toBeNull()
      await the.catalog.dropGrant(gone)
      expect(await follow(links[1]!)).toMatchObject({ file: { id: kept } })
    })

    it('are deleted after they expire, and never before', async () => {
      const id = await confirmed()
      const [early, late, endless] = [at(300), at(400), null].map((expiresAt) => newLink(id, { expiresAt }))
      for (const link of [early!, late!, endless!]) await the.catalog.createLink('alice', link)
      expect(await the.catalog.forgetLinks(at(350))).toBe(1)
      const left = (await the.catalog.listLinks('alice', id)).map((link) => link.id)
      expect(left.toSorted()).toEqual([late!.id, endless!.id].toSorted())
    })
  })
}
