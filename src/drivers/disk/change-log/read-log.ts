/**
 * Reads the whole log from its first pack, for a rebuild and for `postern verify`. Damage is reported and skipped.
 * Before the end that the next pack records, it is bit rot. In the last pack it is a torn tail, unless whole frames
 * follow.
 */
import { fileCalls, type LogCalls } from '../file-calls.ts'
import type { ChainEnd } from './frame.ts'
import { listPacks, packHeaderSize, packName, type Pack } from './pack.ts'
import { FileWindow, findFrame, framesAfter, type Frame } from './read-frames.ts'
import { decodeStates, type State } from './states.ts'

/** Acknowledged frames that cannot be read. */
export type Gap = { pack: string; from: number; to: number; lostFrames: number }

export type LogReading = {
  packs: readonly Pack[]
  gaps: Gap[]
  /** Whether the log contains every state of the store. False if it was not complete yet, or if packs are missing. */
  isWhole: boolean
  frames: number
  end: ChainEnd & { pack: Pack }
}

/**
 * null if there is no log. Reads nothing after `until`, because another process may be writing there. Errors: those of
 * listPacks. Read errors are passed on.
 */
export function readLog(
  root: string,
  each: (states: State[], frame: Frame, pack: Pack) => void,
  { calls = fileCalls, until }: { calls?: LogCalls; until?: { pack: number; offset: number } } = {},
): LogReading | null {
  const packs = listPacks(root, calls).filter(({ header }) => until === undefined || header.number <= until.pack)
  const [first] = packs
  if (!first) return null
  const gaps: Gap[] = []
  let wholeFrom: number | null = null
  let frames = 0
  let end = { ...startOf(first), pack: first }
  packs.forEach((pack, i) => {
    const following = packs[i + 1]?.header.previous ?? null
    end = { ...startOf(pack), sequence: i === 0 ? startOf(pack).sequence : end.sequence, pack }
    const fd = calls.openSync(pack.path, 'r')
    try {
      const limit = following?.end ?? (pack.header.number === until?.pack ? until.offset : pack.size)
      const window = new FileWindow(calls, fd, limit)
      for (;;) {
        for (const frame of framesAfter(window, end, limit)) {
          const states = decodeStates(frame.meta)
          for (const state of states) if (state.is === 'whole') wholeFrom = state.from
          each(states, frame, pack)
          frames++
          end = { ...end, offset: frame.end, sequence: frame.header.sequence, crc: frame.header.crc }
        }
        if (following && end.sequence >= following.sequence) break
        const next = findFrame(window, { ...end, offset: end.offset + 1 }, limit)
        // A torn tail. The batch was not acknowledged.
        if (!next && !following) break
        const lostUntil = next ? next.header.sequence - 1 : following!.sequence
        gaps.push({
          pack: packName(pack.header.number),
          from: end.offset,
          to: next?.offset ?? limit,
          lostFrames: lostUntil - end.sequence,
        })
        if (!next) {
          end = { ...end, sequence: following!.sequence }
          break
        }
        end = { ...end, offset: next.offset, sequence: next.header.sequence - 1, crc: next.header.previousCrc }
      }
    } finally {
      calls.closeSync(fd)
    }
  })
  return { packs, gaps, isWhole: wholeFrom !== null && wholeFrom >= first.header.number, frames, end }
}

const startOf = ({ header }: Pack): ChainEnd => ({
  offset: packHeaderSize,
  sequence: header.previous?.sequence ?? 0,
  crc: header.salt,
})
