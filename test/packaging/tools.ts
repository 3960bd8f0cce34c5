/** The programs that the packaging suites run. */
import { spawnSync } from 'node:child_process'

/** Each by a command that succeeds where the program can be used. */
const tools = {
  nginx: { probe: ['nginx', '-v'], needs: 'nginx' },
  apache: { probe: ['apache2', '-v'], needs: 'apache2' },
  xsendfile: { probe: ['test', '-e', '/usr/lib/apache2/modules/mod_xsendfile.so'], needs: "Apache's mod_xsendfile" },
  caddy: { probe: ['caddy', 'version'], needs: 'caddy' },
  openssl: { probe: ['openssl', 'version'], needs: 'openssl' },
  systemd: { probe: ['systemd-analyze', '--version'], needs: 'systemd-analyze' },
  go: { probe: ['go', 'version'], needs: 'Go' },
  shell: { probe: ['sh', '-c', 'id -u nobody && find . -maxdepth 0'], needs: 'a POSIX shell' },
} as const satisfies Record<string, { probe: readonly string[]; needs: string }>

type ToolName = keyof typeof tools

/** What each suite cannot do without. */
const suiteTools: Record<string, readonly ToolName[]> = {
  nginx: ['nginx', 'openssl'],
  apache: ['apache', 'xsendfile', 'openssl'],
  caddy: ['caddy', 'openssl'],
  systemd: ['systemd'],
  image: ['shell'],
  workflows: ['go'],
}

/** Suites that cannot run on this machine, each with the reason. */
export function missingSuites(): { suite: string; reason: string }[] {
  const names = Object.keys(tools) as ToolName[]
  const absent = new Set(names.filter((name) => !works(tools[name].probe)))
  return Object.entries(suiteTools).flatMap(([suite, needed]) =>
    needed.filter((name) => absent.has(name)).map((name) => ({ suite, reason: `${tools[name].needs} was not found` })),
  )
}

const works = ([command = '', ...args]: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 30_000 }).status === 0
