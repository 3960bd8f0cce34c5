/**
 * `npm run test:faults`: kills, power cuts, failing system calls and full disks, done to a server that runs. It needs
 * root on Linux and a few programs; `test/faults/install.sh` installs them. What a machine lacks is said aloud and, in
 * CI, is a failure. POSTERN_FAULTS_SEED repeats a run. Arguments are handed to vitest.
 */
import { forgetFigures, readFigures } from '../test/faults/figures.ts'
import { missingSuites } from '../test/faults/tools.ts'
import { runNeedy } from './run-suite.ts'

forgetFigures()
runNeedy({
  name: 'faults',
  missing: await missingSuites(),
  figures: () =>
    [...readFigures()].map(([suite, figures]) => {
      const facts = Object.entries(figures).map(([name, value]) => `${name}: ${value}`)
      return `${suite}: ${facts.join(', ')}`
    }),
})
