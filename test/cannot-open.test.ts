/** Every message about a path that cannot be opened names it, the user and a remedy, whichever part prints it. */
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cannotOpen, isThere } from '../src/cannot-open.ts'
import { listenFailure } from '../src/cli/listen-failure.ts'
import { loadConfig } from '../src/config/load-config.ts'
import { diskFixture } from './drivers/disk-fixture.ts'
import { put } from './drivers/start-disk.ts'
import { forbid, give, otherUser } from './fixtures/other-user.ts'
import type { Way } from './fixtures/refusals.ts'

const user = otherUser ? String.raw`user \w+ \(uid 65534\)` : String.raw`(?:user|uid) .*`

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'postern-open-'))
  chmodSync(dir, 0o755)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('what another user owns', () => {
  /** The path that is forbidden, by way. */
  const forbidden = {} as Record<Way, string>
  let said: Record<Way, string>

  /** Where a way of this name works. */
  function folderOf(way: Way, ...below: string[]): string {
    const folder = join(dir, way.replaceAll(' ', '-'))
    for (const path of [folder, ...below.map((name) => join(folder, name))]) {
      mkdirSync(path, { recursive: true })
      give(path)
    }
    return folder
  }
  function forbidFile(way: Way, name: string, ...below: string[]): void {
    forbidden[way] = join(folderOf(way, ...below), name)
    writeFileSync(forbidden[way], '')
    forbid(forbidden[way])
  }
  function forbidFolder(way: Way, name: string, mode?: number): void {
    forbidden[way] = join(folderOf(way, name), name)
    forbid(forbidden[way], mode)
  }
  function forbidDatabase(way: Way, name: string, ...below: string[]): void {
    forbidden[way] = join(folderOf(way, ...below), name)
    const db = new Database(forbidden[way])
    db.exec('CREATE TABLE t (a)')
    db.close()
    forbid(forbidden[way])
  }
  async function forbidBlob(way: Way): Promise<void> {
    const store = join(folderOf(way), 'storage')
    const { driver, close } = await diskFixture({ path: store })
    await put(driver, 'a')
    await close()
    const names = readdirSync(store, { recursive: true, encoding: 'utf8' })
    for (const name of ['.', ...names]) give(join(store, name))
    forbidden[way] = join(
      store,
      names.find((name) => /[0-9a-f]{32}$/.test(name) && name.startsWith('objects'))!,
    )
    forbid(forbidden[way])
  }

  beforeAll(async () => {
    forbidDatabase('catalog', 'catalog.sqlite')
    forbidFolder('catalog in a folder', 'folder')
    forbidDatabase('index', 'storage/index.sqlite', 'storage')
    folderOf('log of the store', 'storage', 'storage/objects')
    forbidFolder('log of the store', 'storage/objects/log')
    await forbidBlob('blobs of the store')
    forbidFolder('store in a folder', 'storage')
    forbidDatabase('copied database', 'catalog.sqlite')
    forbidFolder('target of a backup', 'folder', 0o555)
    for (const way of ['input file', 'configuration', 'value from a file', 'audit log', 'certificate'] as const)
      forbidFile(way, 'file')
    forbidFile('default configuration', 'config/local.yaml', 'config')
    forbidFile('secrets', 'storage/secrets.json', 'storage')
    forbidFolder('secrets in a folder', 'folder')
    forbidFile('access keys', 'storage/keys.json', 'storage')
    forbidFile('lock of the keys', 'storage/keys.lock', 'storage')
    forbidFile('lock of the server', 'storage/server.lock', 'storage')
    forbidFile('look at the lock of the server', 'storage/server.lock', 'storage')
    forbidFolder('doctor', 'storage')
    forbidDatabase('doctor', 'catalog.sqlite')
    forbidFolder('folder in which something is looked for', 'folder')
    const program = join(import.meta.dirname, 'fixtures/refusals.ts')
    const { stdout } = await promisify(execFile)(process.execPath, [program, dir], {
      ...otherUser,
      cwd: dir,
      env: { PATH: process.env['PATH'] },
    })
    said = JSON.parse(stdout) as Record<Way, string>
  })

  const escaped = (text: string): string => text.replaceAll(/[.+]/g, String.raw`\$&`)

  it.each<Way>([
    'catalog',
    'index',
    'blobs of the store',
    'copied database',
    'input file',
    'value from a file',
    'audit log',
    'certificate',
    'lock of the server',
    'look at the lock of the server',
    'secrets',
    'access keys',
    'lock of the keys',
  ])('%s: the file, with the command that gives it to the user', (way) => {
    const path = escaped(forbidden[way])
    expect(said[way]).toMatch(
      new RegExp(
        `${path} cannot be [\\w ]+ by ${user} \\(EACCES\\)\\. It belongs to uid \\d+ and has mode 0000\\. ` +
          `Run sudo chown \\d+ ${path}, or run as its owner`,
      ),
    )
  })

  it.each<Way>(['configuration', 'default configuration'])('%s: a file whose name stands in front', (way) => {
    const path = escaped(forbidden[way])
    const name = path.slice(path.lastIndexOf('/') + 1)
    expect(said[way]).toMatch(
      new RegExp(
        `${name}:1: cannot be [\\w ]+ by ${user} \\(EACCES\\)\\. It belongs to uid \\d+ and has mode 0000\\. ` +
          `Run sudo chown \\d+ ${path}, or run as its owner`,
      ),
    )
  })

  it.each<Way>([
    'catalog in a folder',
    'store in a folder',
    'target of a backup',
    'secrets in a folder',
    'folder in which something is looked for',
  ])('%s: the folder that keeps the user out, and no command that would change it', (way) => {
    expect(said[way]).toMatch(
      new RegExp(
        `cannot be [\\w ]+ by ${user} \\(EACCES\\)\\. The folder ${escaped(forbidden[way])} belongs to uid \\d+ and has mode ` +
          '0\\d{3}\\. Give this user access to it, or run as its owner',
      ),
    )
    expect(said[way]).not.toContain('chown')
    expect(said[way]).toContain(dir)
  })

  it('the log of the store: a folder that is named itself', () => {
    const path = escaped(forbidden['log of the store'])
    expect(said['log of the store']).toMatch(
      new RegExp(
        `${path} cannot be [\\w ]+ by ${user} \\(EACCES\\)\\. It belongs to .*\\. Run sudo chown -R \\d+ ${path}`,
      ),
    )
  })

  it('a command prints the sentence and no stack, on stdout too with --json', async () => {
    const script = join(import.meta.dirname, '../src/cli/postern.ts')
    const storage = forbidden['store in a folder']
    const args = [script, 'gc', '--json', '--storage', storage]
    const failure = await promisify(execFile)(process.execPath, args, {
      ...otherUser,
      cwd: dir,
      env: { PATH: process.env['PATH'] },
    }).catch((error: { code: number; stdout: string; stderr: string }) => error)
    const sentence = new RegExp(
      `^${escaped(storage)}/catalog\\.sqlite cannot be accessed by ${user} \\(EACCES\\)\\. The folder .*\\.$`,
    )
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(sentence, 'm')) as string })
    expect((JSON.parse(failure.stdout) as { error: string }).error).toMatch(sentence)
  })

  it('doctor: with the remedy as the fix', () => {
    const folder = join(dir, 'doctor/storage')
    expect(said.doctor).toMatch(
      new RegExp(
        `writable: ${escaped(folder)} cannot be written by ${user}: EACCES.* has mode 0000\\. .*, or choose another storage\\.disk\\.path`,
      ),
    )
    const file = escaped(forbidden.doctor)
    expect(said.doctor).toMatch(
      new RegExp(`catalog: ${file} cannot be read by ${user}: .* has mode 0000\\. Run sudo chown \\d+ ${file}`),
    )
  })
})

describe('other causes', () => {
  it.each<[code: string, remedy: RegExp]>([
    ['ENOENT', /does not exist\. Correct the path/],
    ['ENOTDIR', /A file is where a folder is needed\. Move it away/],
    ['EISDIR', /is a folder\. Name a file/],
    ['EROFS', /mounted read-only.*Mount it for writing/],
    ['ENOSPC', /is full\. Free some space/],
    ['EMFILE', /Raise the limit \(LimitNOFILE/],
    ['EIO', /Check the disk and its file system/],
  ])('%s has a specific remedy', (code, remedy) => {
    const message = cannotOpen('/data/x', Object.assign(new Error('said'), { code }), { or: 'name another path' })
    expect(message).toMatch(new RegExp(`^/data/x cannot be opened by (?:user|uid) .* \\(${code}\\)\\. `))
    expect(message).toMatch(remedy)
    expect(message).toMatch(/, or name another path\.$/)
  })

  it('finds the reason if SQLite only reports that a file cannot be opened', () => {
    mkdirSync(join(dir, 'is-a-folder.sqlite'))
    writeFileSync(join(dir, 'plain'), '')
    const cause = new Database.SqliteError('unable to open database file', 'SQLITE_CANTOPEN')
    expect(cannotOpen(join(dir, 'is-a-folder.sqlite'), cause)).toContain('(EISDIR)')
    expect(cannotOpen(join(dir, 'none/catalog.sqlite'), cause)).toContain('(ENOENT)')
    expect(cannotOpen(join(dir, 'plain/catalog.sqlite'), cause)).toContain('(ENOTDIR)')
  })

  it('reports a missing path, and a path below a file, as absent', () => {
    writeFileSync(join(dir, 'a-file'), '')
    expect(isThere(join(dir, 'a-file'))).toBe(true)
    expect(isThere(join(dir, 'nothing'))).toBe(false)
    expect(isThere(join(dir, 'a-file/below'))).toBe(false)
  })

  it.each([
    [
      'EADDRINUSE',
      /^server\.listen: 127\.0\.0\.1:80 is in use by another program \(EADDRINUSE\)\. Stop it .*--port 4010/,
    ],
    [
      'EACCES',
      /^server\.listen: 127\.0\.0\.1:80 cannot be used by .* \(EACCES\)\. Choose a port above 1023: --port 4010; or allow/,
    ],
    ['EADDRNOTAVAIL', /^server\.listen: this machine has no address 127\.0\.0\.1\. Correct server\.listen/],
  ])('%s of an address', (code, said) => {
    const { config } = loadConfig({ cwd: dir, env: {}, flags: { 'server.listen': '127.0.0.1:80' } })
    const cause = Object.assign(new Error(code), { code, address: '127.0.0.1', port: 80, syscall: 'listen' })
    expect((listenFailure(cause, config) as Error).message).toMatch(said)
  })
})
