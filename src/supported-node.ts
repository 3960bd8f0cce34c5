/** Imported before all else by who embeds Postern: on an older Node the SQLite addon ends the process without a word. */
import { tooOld } from './node-version.ts'

const problem = tooOld(process.versions.node)
if (problem !== null) throw new Error(problem)
