/** Attaches strace to a process, to record its system calls and to inject errors. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export type Injection = {
  calls: readonly string[]
  /**
   * The errno with which they fail instead of being done. KILL: the process ends there. NOTHING: they do nothing and
   * report success.
   */
  fault: string
  /** Which of the matching calls of each thread; every one where it is not given. */
  when?: string
}

export type TraceOptions = {
  calls: readonly string[]
  /** File of the trace. */
  to: string
  inject?: Injection
  /** Only calls on one of these paths or a descriptor of it. */
  paths?: readonly string[]
  /** The id is a thread's, and it alone is traced. */
  oneThread?: boolean
}

export type Trace = { detach(): Promise<void> }

export async function attach(id: number, o: TraceOptions): Promise<Trace> {
  const { inject } = o
  const args = [...(o.oneThread ? [] : ['-f']), '-y', '-s', '64', '-o', o.to, '-e', `trace=${o.calls.join(',')}`]
  for (const path of o.paths ?? []) args.push('-P', path)
  if (inject) {
    const others: Record<string, string> = { KILL: 'signal=KILL', NOTHING: 'retval=0' }
    const fault = others[inject.fault] ?? `error=${inject.fault}`
    const when = inject.when === undefined ? '' : `:when=${inject.when}`
    args.push('-e', `inject=${inject.calls.join(',')}:${fault}${when}`)
  }
  const strace = spawn('strace', [...args, '-p', String(id)], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = new Promise<void>((resolve) => strace.once('close', () => resolve()))
  let said = ''
  await new Promise<void>((resolve, reject) => {
    strace.once('error', reject)
    void exited.then(() => reject(new Error(`strace ended: ${said}`)))
    strace.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (/attached/.test(said)) resolve()
    })
  })
  return {
    async detach() {
      if (strace.exitCode === null && strace.signalCode === null) {
        strace.kill('SIGINT')
        await once(strace, 'exit')
      }
      await exited
    },
  }
}

/** A call as the trace has it. `begun` and `ended` order events: a larger number is later. */
export type Call = { thread: string; name: string; args: string; result: string; begun: number; ended: number }

/** strace splits a call into two lines where another thread's comes between. */
export async function readTrace(file: string): Promise<Call[]> {
  const calls: Call[] = []
  const open = new Map<string, Call>()
  const lines = (await readFile(file, 'utf8')).split('\n')
  for (const [at, line] of lines.entries()) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const begun = /^(\w+)\((.*)<unfinished \.\.\.>$/.exec(rest)
    const resumed = /^<\.\.\. (\w+) resumed>(.*)\)\s+= (.*)$/.exec(rest)
    const whole = /^(\w+)\((.*)\)\s+= (.*)$/.exec(rest)
    if (begun) {
      open.set(thread, { thread, name: begun[1]!, args: begun[2]!, result: '', begun: at, ended: Infinity })
    } else if (resumed) {
      const call = open.get(thread)
      open.delete(thread)
      if (call) calls.push({ ...call, args: call.args + resumed[2]!, result: resumed[3]!, ended: at })
    } else if (whole) {
      calls.push({ thread, name: whole[1]!, args: whole[2]!, result: whole[3]!, begun: at, ended: at })
    }
  }
  return calls.toSorted((a, b) => a.begun - b.begun)
}

/** The thread that runs JavaScript and SQLite, and the one that waits for files: with UV_THREADPOOL_SIZE=1 there is one. */
export async function threadsOf(pid: number): Promise<{ main: number; pool: number }> {
  const tasks = join('/proc', String(pid), 'task')
  for (const id of await readdir(tasks)) {
    const name = await readFile(join(tasks, id, 'comm'), 'utf8')
    if (name.startsWith('libuv-worker')) return { main: pid, pool: Number(id) }
  }
  throw new Error(`process ${pid} has no thread pool`)
}
