/** A server with one object and one file, for tests that make single system calls fail. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { json, makeCaller, send, xmlText, type Answer, type Caller } from './caller.ts'
import { makeBucket } from './workload.ts'
import { createInstallation, type Server, type Installation, type InstallationOptions } from './installation.ts'
import { attach, threadsOf, type Injection } from './strace.ts'

export type FaultHarness = {
  installation: Installation
  caller: Caller
  dir: string
  server(): Server
  /** SIGKILL, then another start over the same folder. */
  restart(): Promise<void>
  /** Runs `act` while the calls of a thread, or all that touch a path, are lied to. */
  during<T>(fault: Fault, act: () => Promise<T>): Promise<T>
  /** What was there before the fault is served, the process lives; with `kept` as what was stored as `kept`. */
  expectReads(): Promise<void>
  /** The status of `/readyz`. */
  readiness(): Promise<number>
  temporary(): Promise<string[]>
  close(): Promise<void>
}

export type Fault = Injection & ({ thread: 'main' | 'pool' } | { path: string } | object)

export const kept = Buffer.from('kept since before the fault\n')

export async function startFaultHarness(o: Partial<InstallationOptions> = {}): Promise<FaultHarness> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-faults-'))
  const installation = await createInstallation({ storage: join(dir, 'storage'), outside: dir, ...o })
  const start = async (): Promise<Server> => {
    // One thread waits for files, so that "the second fsync" is always the same one.
    const started = installation.start({ env: { UV_THREADPOOL_SIZE: '1' } })
    await started.ready
    return started
  }
  let server = await start()
  await makeBucket(installation)
  const caller = await makeCaller(installation, 'alice')
  expect((await put(caller, 'kept', kept)).status).toBe(200)
  const keptFile = await uploadFile(caller, kept)

  return {
    installation,
    caller,
    dir,
    server: () => server,
    async restart() {
      await server.kill()
      server = await start()
    },
    async during(fault, act) {
      const threads = await threadsOf(server.pid)
      const thread = 'thread' in fault ? threads[fault.thread] : null
      const trace = await attach(thread ?? server.pid, {
        calls: fault.calls,
        to: join(dir, 'trace'),
        inject: fault,
        oneThread: thread !== null,
        ...('path' in fault && { paths: [fault.path] }),
      })
      try {
        return await act()
      } finally {
        await trace.detach()
      }
    },
    async expectReads() {
      expect((await send(await caller.s3('GET', 'kept'))).body).toEqual(kept)
      expect(await readFile(caller, keptFile)).toEqual(kept)
      expect((await send({ method: 'GET', url: `${installation.api}/healthz` })).status).toBe(200)
    },
    readiness: async () => (await send({ method: 'GET', url: `${installation.api}/readyz` })).status,
    temporary: () => readdir(join(installation.storage, 'tmp')),
    async close() {
      await server.kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export const put = async (caller: Caller, key: string, body: Buffer): Promise<Answer> =>
  send(await caller.s3('PUT', key, { body }))

/** The id of a file that was uploaded and confirmed. */
export async function uploadFile(caller: Caller, body: Buffer): Promise<string> {
  const { id, answers } = await tryFile(caller, body)
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 201])
  return id
}

/** Upload URL, PUT, confirmation; ends with the first answer that is none of 2xx. */
export async function tryFile(caller: Caller, body: Buffer): Promise<{ id: string; answers: Answer[] }> {
  const wanted = { filename: 'a.bin', mimeType: 'application/octet-stream', size: body.length }
  const granted = await send(caller.api('POST', '/files/upload-url', wanted))
  if (granted.status >= 300) return { id: '', answers: [granted] }
  type Granted = { id: string; uploadUrl: string; headers: Record<string, string> }
  const { id, uploadUrl, headers } = json<Granted>(granted)
  const stored = await send({ method: 'PUT', url: uploadUrl, headers, body })
  if (stored.status >= 300) return { id, answers: [granted, stored] }
  return { id, answers: [granted, stored, await send(caller.api('POST', '/files/confirm', { id }))] }
}

export async function readFile(caller: Caller, id: string): Promise<Buffer> {
  const issued = await send(caller.api('GET', `/files/${id}/download-url`))
  expect(issued.status).toBe(200)
  return (await send({ method: 'GET', url: json<{ downloadUrl: string }>(issued).downloadUrl })).body
}

export async function beginParts(caller: Caller, key: string): Promise<string> {
  return xmlText(await send(await caller.s3('POST', key, { query: { uploads: '' } })), 'UploadId')
}
