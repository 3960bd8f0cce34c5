/**
 * Replays a Dockerfile without an engine. Each stage is a folder that takes the place of `/`. Its commands run with the
 * absolute paths of the Dockerfile replaced by those below the folder. Supports FROM, WORKDIR, COPY, RUN and ENV, and
 * returns the other instructions unchanged.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

export type Instruction = { name: string; text: string }
export type Stage = { name: string; root: string; workdir: string; env: Record<string, string>; rest: Instruction[] }

export function parseDockerfile(text: string): Instruction[] {
  const lines = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ')
  return [...lines.matchAll(/^([A-Z]+)\s+(.*\S)\s*$/gm)].map(([, name, rest]) => ({ name: name!, text: rest! }))
}

/** What .dockerignore lets through: ours takes everything out first and names what comes in again. */
function contextOf(root: string): (path: string) => boolean {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => /^[^#\s]/.test(line))
  if (lines[0] !== '*') throw new Error('.dockerignore is expected to begin with *')
  const kept = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  const pattern = new RegExp(
    `^(${kept.map((path) => path.replaceAll('.', '\\.').replaceAll('*', '[^/]*')).join('|')})(/|$)`,
  )
  const leadsTo = (path: string): boolean => kept.some((one) => one.startsWith(`${path}/`))
  return (path) => {
    const name = relative(root, path).replaceAll('\\', '/')
    return name === '' || (!/(^|\/)node_modules(\/|$)/.test(name) && (pattern.test(name) || leadsTo(name)))
  }
}

/** `instead` may take a command over. The stages in their order. */
export function replay(o: {
  context: string
  folder: string
  instructions: readonly Instruction[]
  replaced?: readonly [RegExp, string][]
  instead?: (command: string, stage: Stage) => (() => void) | null
}): Stage[] {
  const stages: Stage[] = []
  const inContext = contextOf(o.context)

  const inside = (stage: Stage, path: string): string =>
    join(stage.root, path.startsWith('/') ? path : join(stage.workdir, path))

  function copy(stage: Stage, text: string): void {
    const [, from] = /^--from=(\S+) /.exec(text) ?? []
    const names = text.replace(/^--\S+ /, '').split(/\s+/)
    const to = inside(stage, names.at(-1)!)
    for (const name of names.slice(0, -1)) {
      const other = stages.find((one) => one.name === from)
      const source = other ? inside(other, name) : join(o.context, name)
      const target = names.at(-1)!.endsWith('/') && !name.endsWith('/') ? join(to, name) : to
      mkdirSync(dirname(target), { recursive: true })
      if (!other && !inContext(source)) throw new Error(`${name} is kept out by .dockerignore`)
      cpSync(source, target, {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => other !== undefined || inContext(path),
      })
    }
  }

  function run(stage: Stage, command: string): void {
    const other = o.instead?.(command, stage)
    if (other) return other()
    const rooted = command.replace(/(^|[\s=])(\/(?:app|build|data|usr\/local)\b)/g, `$1${stage.root}$2`)
    const script = (o.replaced ?? []).reduce((before, [what, by]) => before.replace(what, by), rooted)
    const cwd = join(stage.root, stage.workdir)
    const { status, stderr, stdout } = spawnSync('sh', ['-ec', script], {
      cwd,
      env: { ...process.env, ...stage.env },
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`RUN ${command} ended with ${status}:\n${stdout}${stderr}`)
  }

  for (const { name, text } of o.instructions) {
    if (name === 'FROM') {
      const [, of = String(stages.length)] = / AS (\S+)$/.exec(text) ?? []
      const stage = { name: of, root: join(o.folder, of), workdir: '/', env: {}, rest: [{ name, text }] }
      mkdirSync(join(stage.root, 'usr/local/bin'), { recursive: true })
      stages.push(stage)
      continue
    }
    const stage = stages.at(-1)!
    if (name === 'WORKDIR') {
      stage.workdir = text
      mkdirSync(join(stage.root, text), { recursive: true })
    } else if (name === 'COPY') copy(stage, text)
    else if (name === 'RUN') run(stage, text)
    else if (name === 'ENV') for (const [, key, value] of text.matchAll(/(\w+)=(\S+)/g)) stage.env[key!] = value!
    else stage.rest.push({ name, text })
  }
  return stages
}
