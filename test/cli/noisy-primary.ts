/** Loaded into `serve` with `--import`: the primary logs more than its buffer for a full disk holds. */
import cluster from 'node:cluster'
import { stderrLines } from '../../src/http/stderr-lines.ts'

const line = `${'x'.repeat(1023)}\n`
if (cluster.isPrimary) for (let i = 0; i < 2048; i++) stderrLines().append(line)
