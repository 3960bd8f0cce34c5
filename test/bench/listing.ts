/** A page of a bucket of a thousand keys against one of a million: an index is read where the page begins, not from its start. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { run } from './load.ts'
import type { Built, Server } from './servers.ts'

const sizes = { 'listing-1k': 1000, 'listing-1m': 1_000_000 } as const
/** Keys `00/0000000` to `99/…`: a hundred common prefixes. */
const pages = {
  'first page': {},
  'page from the middle': { 'start-after': '50/' },
  'page of a prefix': { prefix: '7' },
  'common prefixes': { delimiter: '/' },
} as const

/** Rows without bytes: a listing reads none. */
function fill(storage: string): void {
  const db = new Database(join(storage, 'index.sqlite'), { timeout: 10_000 })
  for (const [bucket, count] of Object.entries(sizes)) {
    db.prepare('INSERT INTO buckets (name, owner, created_at, acl) SELECT ?, owner, 0, acl FROM buckets LIMIT 1').run(
      bucket,
    )
    db.prepare(
      `INSERT INTO objects (bucket, key, size, etag, modified_at, acl, headers, tags, content, parts)
       WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < @count)
       SELECT @bucket, printf('%02d/%07d', i % 100, i), 10, printf('%032x', i), 0, 'private', '{}', '{}',
         @bucket || i, 0 FROM n`,
    ).run({ bucket, count })
  }
  db.close()
}

/** Prints how many pages a second of each bucket are answered, and their ratio. */
export async function measureListing({ storage }: Built, gateway: Server, rounds: number): Promise<void> {
  fill(storage)
  for (const [name, query] of Object.entries(pages)) {
    const [small, large] = (Object.keys(sizes) as (keyof typeof sizes)[]).map((bucket) => {
      const url = gateway.listUrl!(bucket, { 'list-type': '2', 'max-keys': '100', ...query })
      return (count: number) => run({ method: 'GET', concurrency: 4, count, url: () => url })
    })
    await small!(50)
    await large!(50)
    const ratios: number[] = []
    let rate = 0
    for (let round = 0; round < rounds; round++) {
      rate = await large!(300)
      ratios.push(rate / (await small!(300)))
    }
    const ratio = ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)]!
    console.log(
      `${name.padEnd(22)} ${rate.toFixed(0).padStart(6)} /s of a million keys, ${ratio.toFixed(2)} × that of a thousand`,
    )
  }
}
