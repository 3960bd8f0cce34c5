/** Builds what `npm start` runs: the command and the console, without types, packages and browser modules. */
import { join } from 'node:path'
import { buildServer } from './build-server.ts'
import { runBin } from './run-suite.ts'

await buildServer(join(import.meta.dirname, '..', 'dist'))
process.exit(runBin('vite', 'bin/vite.js', ['build', '--config', 'src/console/vite.config.ts', '--logLevel', 'warn']))
