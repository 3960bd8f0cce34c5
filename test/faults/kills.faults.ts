/**
 * SIGKILL at random moments, also during the start, under uploads of every kind (row 115 of docs/security.md). The
 * clients retry until they get a response.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, inject, it } from 'vitest'
import { noteFigures } from './figures.ts'
import { makeBucket, startWorkload, type Mix } from './workload.ts'
import { checkConsistency, temporaryFiles } from './check-consistency.ts'
import { seededRandom } from './seeded-random.ts'
import { createInstallation } from './installation.ts'

const kills = process.env['CI'] === 'true' ? 80 : 200
const uploaders = 20
const mix: Mix = {
  objects: { small: 12, large: 5, parts: 3, delete: 3, read: 4 },
  files: { small: 8, large: 3, parts: 3, delete: 2, read: 3 },
}

it(`keeps what it acknowledged through ${kills} SIGKILLs under ${uploaders} uploaders`, async () => {
  const random = seededRandom(inject('seed')).split('kills')
  const dir = await mkdtemp(join(tmpdir(), 'postern-kills-'))
  const installation = await createInstallation({ storage: join(dir, 'storage'), outside: dir })
  let server = installation.start()
  try {
    await server.ready
    await makeBucket(installation)
    const workload = await startWorkload(installation, { uploaders, mix, random })
    const { gate, acknowledged, client, violations, verify, continued, finish } = workload
    let checked = 0
    let atStart = 0
    for (let kill = 1; kill <= kills; kill++) {
      if (random.int(1, 8) === 1) {
        // Before it answers anybody: while it opens, sweeps and recovers its databases.
        await sleep(random.int(20, 250))
        atStart++
      } else {
        await server.ready
        if (kill % 20 === 0) checked += (await verify('changed')).checked
        await workload.workFor(random.int(0, 40))
        await sleep(random.int(0, 20))
      }
      gate.close()
      await server.kill()
      server = installation.start()
    }
    await server.ready
    gate.open()
    await finish()
    checked += (await verify('all')).checked
    expect(violations).toEqual([])
    expect(await temporaryFiles(installation)).toEqual([])
    expect(continued()).toBeGreaterThan(0)
    expect(await server.stop()).toBe(0)
    expect(await checkConsistency(installation)).toEqual([])
    const verification = installation.command(['verify', '--deep', '--grace', '1s'])
    expect({ code: await verification.exited, log: verification.log() }).toMatchObject({ code: 0 })
    noteFigures('kills', {
      kills,
      'of them during the start': atStart,
      uploaders,
      'changes acknowledged': acknowledged.acknowledged,
      'requests that a kill cut off': client.interrupted,
      'multipart uploads that went on after a kill': continued(),
      'objects and files read back': checked,
      'lost or wrong': 0,
    })
  } finally {
    await server.kill()
    await rm(dir, { recursive: true, force: true })
  }
}, 1_800_000)
