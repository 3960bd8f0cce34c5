/**
 * What the drivers of Firefox and WebKitGTK cannot do, and why. Each scenario names the abilities that it needs. If the
 * browser lacks one, `npm run test:browsers` reports the scenario as skipped, with the reason.
 */
import { TestRunner } from 'vitest'
import { chosenEngine, type Engine } from '../fixtures/browsers.ts'

type Ability = 'files on disk' | 'growing files' | 'folders' | 'folder drops' | 'measurements' | 'tabs' | 'touch'

const lacking: Record<Engine, Partial<Record<Ability, string>>> = {
  chromium: {},
  firefox: {
    'growing files': 'it keeps the size that a file had when it was chosen, and sends so many bytes',
    'folder drops': 'WebDriver BiDi drops no files of the disk on a page',
    folders: 'WebDriver BiDi refuses to choose a folder',
    measurements: 'processor time of tasks and the heap are measured by the DevTools of Chromium',
  },
  webkit: {
    'files on disk': 'its inspector takes no files: they are made in the page, where no change on disk reaches them',
    'folder drops': 'its inspector takes no files',
    folders: 'its inspector takes no files',
    measurements: 'processor time of tasks and the heap are measured by the DevTools of Chromium',
    tabs: 'its inspector sees one page',
    touch: 'its virtual screen has a mouse only',
  },
}

declare module 'vitest' {
  interface TaskMeta {
    /** Why the engine of the run cannot run this scenario, or a part of it. */
    leftOut?: string
  }
}

/** Leaves out the test that calls it where the engine lacks the ability. */
export function needs(ability: Ability): void {
  if (!has(ability)) TestRunner.getCurrentTest()!.context.skip()
}

/** For a part of a test. */
export function has(ability: Ability): boolean {
  const engine = chosenEngine()
  const reason = lacking[engine][ability]
  if (reason !== undefined) TestRunner.getCurrentTest()!.meta.leftOut = `${engine}: ${reason}`
  return reason === undefined
}
