import { describe, expect, it } from 'vitest'
import type { Link } from '../../src/console/links/records.ts'
import { formatExpiry, formatUses, isActive } from '../../src/console/links/describe-link.ts'

const now = new Date('2026-11-22T12:00:00Z')
const link = (o: Partial<Link>): Link => ({
  id: 'l',
  expiresAt: null,
  maxUses: null,
  uses: 0,
  createdAt: now.toISOString(),
  ...o,
})
const endingIn = (seconds: number): Link => link({ expiresAt: new Date(now.getTime() + seconds * 1000).toISOString() })

describe('a share link', () => {
  it.each([
    [{}, 'not used yet'],
    [{ uses: 1 }, 'used 1 time'],
    [{ uses: 4 }, 'used 4 times'],
    [{ maxUses: 3 }, '3 of 3 uses left'],
    [{ maxUses: 3, uses: 2 }, '1 of 3 uses left'],
    [{ maxUses: 1 }, '1 of 1 use left'],
    [{ maxUses: 1, uses: 1 }, 'used up (1 of 1 use)'],
    [{ maxUses: 3, uses: 3 }, 'used up (3 of 3 uses)'],
  ])('counts %o as %s', (o, words) => {
    expect(formatUses(link(o))).toBe(words)
  })

  it.each([
    [45, 'expires in 45 seconds'],
    [3599.5, 'expires in 1 hour'],
    [3500, 'expires in 58 minutes'],
    [2 * 3600, 'expires in 2 hours'],
    [86_399, 'expires in 24 hours'],
    [7 * 86_400 - 2, 'expires in 7 days'],
    [0, 'expired just now'],
    [-7200, 'expired'],
  ])('describes a link that expires in %d seconds as: %s', (seconds, words) => {
    expect(formatExpiry(endingIn(seconds), now)).toContain(words)
  })

  it('knows which links are active', () => {
    expect(formatExpiry(link({}), now)).toBe('until it is revoked')
    expect(isActive(link({}), now)).toBe(true)
    expect(isActive(endingIn(1), now)).toBe(true)
    expect(isActive(endingIn(0), now)).toBe(false)
    expect(isActive(link({ maxUses: 2, uses: 1 }), now)).toBe(true)
    expect(isActive(link({ maxUses: 2, uses: 2 }), now)).toBe(false)
  })
})
