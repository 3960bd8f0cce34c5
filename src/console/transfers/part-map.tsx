/** The parts of an upload as a strip of cells that fill up as bytes are sent. */
import type { PartProgress } from '../../client/index.ts'
import { cellsOf } from './cells.ts'

type Props = { name: string; part: PartProgress; moving?: boolean }

export function PartMap({ name, part, moving = true }: Props) {
  // Parts that were in flight when the upload stopped must be sent again.
  const cells = cellsOf(moving ? part : { ...part, sending: [] })
  const retrying = cells.filter(({ state }) => state === 'retrying').length
  const label = `Parts of ${name}: ${part.done} of ${part.total} stored${retrying > 0 ? `, ${retrying} retrying` : ''}`
  return (
    <div className="part-map" role="img" aria-label={label}>
      {cells.map(({ state, fill }, i) => (
        // oxlint-disable-next-line react/no-array-index-key -- a cell is identified by its position
        <i key={i} data-state={state}>
          <b style={{ transform: `scaleX(${fill})` }} />
        </i>
      ))}
    </div>
  )
}
