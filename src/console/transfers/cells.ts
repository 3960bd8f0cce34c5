/** The cells of the part map. */
import type { PartProgress } from '../../client/index.ts'

/** More cells would be too narrow to see, so a cell then stands for several parts. */
const maxCells = 240

export type Cell = { state: 'waiting' | 'sending' | 'retrying' | 'stored'; fill: number }

export function cellsOf({ total, size, stored, sending }: PartProgress): Cell[] {
  const per = Math.ceil(total / maxCells)
  const onTheWay = new Map(sending.map((lane) => [lane.part, lane]))
  return Array.from({ length: Math.ceil(total / per) }, (_, i): Cell => {
    let [done, sent, retries, members] = [0, 0, false, 0]
    for (let n = i * per + 1; n <= Math.min(total, (i + 1) * per); n++) {
      members++
      if (stored.has(n)) done++
      const lane = stored.has(n) ? undefined : onTheWay.get(n)
      // The last part is shorter, so its cell fills a little early.
      if (lane && lane.phase !== 'idle') sent += Math.min(1, lane.loaded / size)
      if (lane?.phase === 'retrying' || lane?.phase === 'offline') retries = true
    }
    const fill = (done + sent) / members
    if (done === members) return { state: 'stored', fill: 1 }
    if (retries) return { state: 'retrying', fill }
    return { state: sent > 0 ? 'sending' : done > 0 ? 'sending' : 'waiting', fill }
  })
}
