/** Must be the first import of a program that embeds Postern. On an older Node, the SQLite addon exits without a message. */
import { tooOld } from './node-version.ts'

const problem = tooOld(process.versions.node)
if (problem !== null) throw new Error(problem)
