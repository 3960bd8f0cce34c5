/** The files of the pictures: what someone might keep, in all the ages and lengths that a list has to bear. */
import { randomBytes } from 'node:crypto'
import { type SampleFile, storeFile } from '../test/browser/sample-files.ts'
import type { RunningGateway } from '../test/fixtures/gateway.ts'
import { landscape, type Scene, scenes } from '../test/fixtures/sample-image.ts'

const picture = (name: string, scene: Scene): SampleFile => ({
  name,
  mimeType: 'image/png',
  buffer: landscape(480, 360, scene),
})

/** The right first bytes, and as many as a real one would have. */
export const padded = (name: string, mimeType: string, head: string, bytes: number): SampleFile => ({
  name,
  mimeType,
  buffer: Buffer.concat([Buffer.from(head, 'latin1'), randomBytes(bytes)]),
})

const hour = 3_600_000
const longName = 'measurements of the tide gauge at the old harbour, station 14, corrected for pressure, final.csv'

const samples: [ageInHours: number, SampleFile][] = [
  [19 * 24, padded('winter trip, all pictures.zip', 'application/zip', 'PK\x03\x04\x14\0\0\0\0\0', 6_300_000)],
  [12 * 24, padded('reading list.txt', 'text/plain', 'Middlemarch\nThe Summer Book\n', 0)],
  [8 * 24, padded('ferry crossing.mp4', 'video/mp4', '\0\0\0\x18ftypisom\0\0\x02\0isomiso2', 7_900_000)],
  [7 * 24, padded(longName, 'text/csv', 'hour,metres\n0,2.4\n1,2.9\n'.repeat(9000), 0)],
  [5 * 24, padded('خريطة المدينة القديمة.txt', 'text/plain', 'north gate\n', 0)],
  [3 * 24, picture('dunes at noon.png', scenes.dunes)],
  [30, picture('night walk.png', scenes.night)],
  [27, padded('lease agreement, signed.pdf', 'application/pdf', '%PDF-1.7\n', 412_000)],
  [0.6, picture('valley in the morning.png', scenes.morning)],
  [0.05, picture('side gate at dusk.png', scenes.dusk)],
]

/** Oldest first; `clock.offset`, in ms, is what the gateway's clock differs by. */
export async function storeSamples(gateway: RunningGateway, clock: { offset: number }): Promise<void> {
  for (const [age, file] of samples) {
    clock.offset = -age * hour
    await storeFile(gateway, file)
  }
  clock.offset = 0
}
