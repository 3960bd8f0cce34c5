/**
 * Row 115: SIGKILL at random moments, also while the server is starting, under uploads of every kind. The clients ask
 * again until they are answered.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, inject, it } from 'vitest'
import { noteFigures } from './figures.ts'
import { makeBucket, startFleet, type Mix } from './fleet.ts'
import { judge, temporaryFiles } from './judge.ts'
import { drawLot } from './lot.ts'
import { makeSite } from './site.ts'

const kills = process.env['CI'] === 'true' ? 80 : 200
const uploaders = 20
const mix: Mix = {
  objects: { small: 12, large: 5, parts: 3, delete: 3, read: 4 },
  files: { small: 8, large: 3, parts: 3, delete: 2, read: 3 },
}

it(`keeps what it acknowledged through ${kills} SIGKILLs under ${uploaders} uploaders`, async () => {
  const lot = drawLot(inject('seed')).split('kills')
  const dir = await mkdtemp(join(tmpdir(), 'postern-kills-'))
  const site = await makeSite({ storage: join(dir, 'storage'), outside: dir })
  let server = site.start()
  try {
    await server.ready
    await makeBucket(site)
    const fleet = await startFleet(site, { uploaders, mix, lot })
    const { gate, ledger, line, violations, verify, continued, finish } = fleet
    let checked = 0
    let atStart = 0
    for (let kill = 1; kill <= kills; kill++) {
      if (lot.int(1, 8) === 1) {
        // Before it answers anybody: while it opens, sweeps and recovers its databases.
        await sleep(lot.int(20, 250))
        atStart++
      } else {
        await server.ready
        if (kill % 20 === 0) checked += (await verify('changed')).checked
        await fleet.workFor(lot.int(0, 40))
        await sleep(lot.int(0, 20))
      }
      gate.close()
      await server.kill()
      server = site.start()
    }
    await server.ready
    gate.open()
    await finish()
    checked += (await verify('all')).checked
    expect(violations).toEqual([])
    expect(await temporaryFiles(site)).toEqual([])
    expect(continued()).toBeGreaterThan(0)
    expect(await server.stop()).toBe(0)
    expect(await judge(site)).toEqual([])
    const verification = site.command(['verify', '--deep', '--grace', '1s'])
    expect({ code: await verification.exited, log: verification.log() }).toMatchObject({ code: 0 })
    noteFigures('kills', {
      kills,
      'of them during the start': atStart,
      uploaders,
      'changes acknowledged': ledger.acknowledged,
      'requests that a kill cut off': line.interrupted,
      'multipart uploads that went on after a kill': continued(),
      'objects and files read back': checked,
      'lost or wrong': 0,
    })
  } finally {
    await server.kill()
    await rm(dir, { recursive: true, force: true })
  }
}, 1_800_000)
