/** Global setup of vitest: bundles the program as it is installed, which cuts the time of a start to a third. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildServer } from '../../scripts/build-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The built `postern` command. */
    program: string
    /** Seed of all random choices. */
    seed: number
  }
}

const checkout = join(import.meta.dirname, '../..')

export async function setup(project: TestProject): Promise<() => void> {
  const home = mkdtempSync(join(tmpdir(), 'postern-built-'))
  symlinkSync(join(checkout, 'node_modules'), join(home, 'node_modules'), 'junction')
  cpSync(join(checkout, 'package.json'), join(home, 'package.json'))
  cpSync(join(checkout, 'config'), join(home, 'config'), { recursive: true })
  await buildServer(join(home, 'dist'))
  const seed = Number(process.env['POSTERN_FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`POSTERN_FAULTS_SEED=${seed}`)
  project.provide('program', join(home, 'dist/cli/postern.js'))
  project.provide('seed', seed)
  return () => rmSync(home, { recursive: true, force: true })
}
