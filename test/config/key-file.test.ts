/** keys.json and the rotation in secrets.json: content, file mode, and concurrent commands. */
import { fork } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addKey, readKeyFile, revokeKey, rotateKey } from '../../src/config/key-file.ts'
import { withKeyLock } from '../../src/config/key-lock.ts'
import { endPreviousSigning, loadSecrets, rotateSigning } from '../../src/config/secrets.ts'

const posix = process.platform !== 'win32'
const now = new Date('2026-03-04T12:00:00Z')
const later = (seconds: number): Date => new Date(now.getTime() + seconds * 1000)
const taken: ReadonlySet<string> = new Set()

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-keys-'))
  file = join(folder, 'keys.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const ids = (): string[] => readKeyFile(folder).map(({ accessKeyId }) => accessKeyId)

describe('keys.json', () => {
  it('is created for its owner only, with a version, and without temporary files', async () => {
    expect(readKeyFile(folder)).toEqual([])
    const key = await addKey(folder, { owner: 'alice', taken, now })
    expect(key).toEqual({
      accessKeyId: expect.stringMatching(/^PK[A-Z2-7]{18}$/),
      secretAccessKey: expect.stringMatching(/^[\w-]{40}$/),
      owner: 'alice',
      createdAt: now.toISOString(),
      validUntil: null,
    })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, keys: [key] })
    expect(posix ? statSync(file).mode & 0o777 : 0o600).toBe(0o600)
    expect(readdirSync(folder).toSorted()).toEqual(['keys.json', 'keys.lock'])
  })

  it('keeps its mode when it is replaced, for any umask', async () => {
    const umask = process.umask(0)
    await addKey(folder, { owner: 'alice', taken, now })
    await addKey(folder, { owner: 'bob', taken, now })
    process.umask(umask)
    expect(posix ? statSync(file).mode & 0o777 : 0o600).toBe(0o600)
  })

  it.runIf(process.geteuid?.() === 0)('belongs to the owner of the folder if root creates it', async () => {
    chownSync(folder, 12_345, 12_346)
    await loadSecrets(folder)
    await addKey(folder, { owner: 'alice', taken, now })
    await rotateSigning(folder, { overlap: 60, now })
    for (const name of ['keys.json', 'keys.lock', 'secrets.json']) {
      const { uid, gid, mode } = statSync(join(folder, name))
      expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 12_345, gid: 12_346, mode: 0o600 })
    }
  })

  it('has each id once', async () => {
    const o = { owner: 'alice', accessKeyId: 'backup', now }
    expect(await addKey(folder, { ...o, taken: new Set(['backup']) })).toBeNull()
    expect(existsSync(file)).toBe(false)
    expect(await addKey(folder, { ...o, taken })).toMatchObject({ accessKeyId: 'backup' })
    expect(await addKey(folder, { ...o, owner: 'bob', taken })).toBeNull()
    expect(ids()).toEqual(['backup'])
  })

  it('contains both keys of a rotation until the old one expires, and then deletes it with its secret', async () => {
    const old = (await addKey(folder, { owner: 'alice', taken, now }))!
    const rotated = (await rotateKey(folder, old.accessKeyId, { overlap: 60, now }))!
    expect(rotated.key).toMatchObject({ owner: 'alice', validUntil: null })
    expect(rotated.replaced).toEqual({ ...old, validUntil: later(60).toISOString() })
    expect(readKeyFile(folder)).toEqual([rotated.replaced, rotated.key])
    await addKey(folder, { owner: 'bob', taken, now: later(60) })
    expect(readFileSync(file, 'utf8')).not.toContain(old.secretAccessKey)
    expect(await rotateKey(folder, old.accessKeyId, { overlap: 60, now: later(61) })).toBeNull()
  })

  it('never extends an expiring key', async () => {
    const { accessKeyId } = (await addKey(folder, { owner: 'alice', taken, now }))!
    await revokeKey(folder, accessKeyId, { after: 60, now })
    const at = later(60).toISOString()
    expect(await revokeKey(folder, accessKeyId, { after: 3600, now })).toMatchObject({ validUntil: at })
    expect(await rotateKey(folder, accessKeyId, { overlap: 3600, now })).toMatchObject({ replaced: { validUntil: at } })
    expect(await revokeKey(folder, accessKeyId, { after: 0, now })).toMatchObject({ validUntil: now.toISOString() })
    expect(ids()).not.toContain(accessKeyId)
  })

  it('is unchanged if there is no such key', async () => {
    await addKey(folder, { owner: 'alice', taken, now })
    const before = readFileSync(file, 'utf8')
    expect(await revokeKey(folder, 'nobody', { after: 0, now })).toBeNull()
    expect(await rotateKey(folder, 'nobody', { overlap: 0, now })).toBeNull()
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it.runIf(posix).each([0o640, 0o604])('mode %o is refused, by a change too', async (mode) => {
    await addKey(folder, { owner: 'alice', taken, now })
    chmodSync(file, mode)
    expect(() => readKeyFile(folder)).toThrow(`chmod 600 '${file}'`)
    await expect(addKey(folder, { owner: 'bob', taken, now })).rejects.toThrow(`chmod 600 '${file}'`)
    chmodSync(file, 0o600)
    expect(ids()).toHaveLength(1)
  })

  it.each(['', '{', 'null', '{"version":1}', '{"version":1,"keys":[{"accessKeyId":"a"}]}'])(
    'content %j is refused and left as it is',
    async (content) => {
      writeFileSync(file, content, { mode: 0o600 })
      expect(() => readKeyFile(folder)).toThrow(/keys\.json:1: is damaged\. Restore it from a backup/)
      await expect(addKey(folder, { owner: 'bob', taken, now })).rejects.toThrow('is damaged')
      expect(readFileSync(file, 'utf8')).toBe(content)
    },
  )

  it("makes no key the gateway's, even if edited by hand", async () => {
    const key = (await addKey(folder, { owner: 'alice', taken, now }))!
    writeFileSync(file, JSON.stringify({ version: 1, keys: [{ ...key, owner: 'postern' }] }))
    expect(() => readKeyFile(folder)).toThrow('is damaged')
  })

  it('of a newer version is refused as such', () => {
    writeFileSync(file, '{"version":2}', { mode: 0o600 })
    expect(() => readKeyFile(folder)).toThrow('was written by a newer version of Postern (format 2)')
  })
})

describe('concurrent changes', () => {
  /** Eight keys, and four rotations of the gateway's, each by a process of its own, all at the same time. */
  it('lose nothing', async () => {
    await loadSecrets(folder)
    const script = join(folder, 'changer.mjs')
    const url = (name: string): string =>
      JSON.stringify(`file://${join(import.meta.dirname, '../../src/config', name).replaceAll('\\', '/')}`)
    writeFileSync(
      script,
      `const { addKey } = await import(${url('key-file.ts')})
       const { rotateSigning } = await import(${url('secrets.ts')})
       const folder = ${JSON.stringify(folder)}
       const now = new Date(${now.getTime()})
       process.on('message', async () => {
         for (const n of [1, 2]) await addKey(folder, { owner: 'p' + process.pid + n, taken: new Set(), now })
         await rotateSigning(folder, { overlap: 60, now })
         process.exit(0)
       })
       process.send('ready')`,
    )
    const children = Array.from({ length: 4 }, () => fork(script, { execArgv: [] }))
    await Promise.all(children.map((child) => new Promise((resolve) => child.once('message', resolve))))
    const ends = children.map((child) => new Promise((resolve) => child.once('exit', resolve)))
    for (const child of children) child.send('go')
    expect(await Promise.all(ends)).toEqual([0, 0, 0, 0])
    expect(new Set(readKeyFile(folder).map(({ owner }) => owner)).size).toBe(8)
    const { signing, previousSigning } = await loadSecrets(folder)
    expect(new Set([signing, ...previousSigning!].map(({ accessKeyId }) => accessKeyId)).size).toBe(5)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('wait for a lock, and report one that is not released', async () => {
    const { default: Database } = await import('better-sqlite3')
    const holder = new Database(join(folder, 'keys.lock'))
    holder.exec('BEGIN IMMEDIATE')
    await expect(withKeyLock(folder, () => 'ran', 10)).rejects.toThrow('another command is changing the keys')
    holder.close()
    expect(await withKeyLock(folder, () => 'ran', 10)).toBe('ran')
  })

  it('release the lock after a failure', async () => {
    const fail = (): never => {
      throw new Error('no space')
    }
    await expect(withKeyLock(folder, fail, 10)).rejects.toThrow('no space')
    expect(await withKeyLock(folder, () => 'ran', 10)).toBe('ran')
  })

  it('create a missing folder', async () => {
    const deep = join(folder, 'not', 'yet')
    await addKey(deep, { owner: 'alice', taken, now })
    expect(readKeyFile(deep)).toHaveLength(1)
  })

  it('report a problem, without a crash, if the folder is not writable', async () => {
    writeFileSync(join(folder, 'blocked'), 'a file where a folder should be')
    await expect(addKey(join(folder, 'blocked'), { owner: 'alice', taken, now })).rejects.toThrow(
      'cannot be read or written by',
    )
    mkdirSync(file, 0o700)
    await expect(addKey(folder, { owner: 'alice', taken, now })).rejects.toThrow(
      /cannot be read or written by .* \(EISDIR\)/,
    )
  })
})

describe("the gateway's own key", () => {
  it('is replaced, and the old one is kept with its expiry', async () => {
    const before = await loadSecrets(folder)
    const { signing, replaced } = await rotateSigning(folder, { overlap: 60, now })
    expect(signing.accessKeyId).toMatch(/^POSTERN[A-Z2-7]{13}$/)
    expect(replaced).toEqual({ ...before.signing, validUntil: later(60).toISOString() })
    expect(await loadSecrets(folder)).toEqual({ ...before, signing, previousSigning: [replaced] })
    expect(posix ? statSync(join(folder, 'secrets.json')).mode & 0o777 : 0o600).toBe(0o600)

    const second = await rotateSigning(folder, { overlap: 10, now: later(30) })
    expect((await loadSecrets(folder)).previousSigning).toEqual([second.replaced, replaced])
    await rotateSigning(folder, { overlap: 10, now: later(60) })
    expect((await loadSecrets(folder)).previousSigning).toHaveLength(1)
  })

  it('can be revoked early if it was replaced, but not while it signs', async () => {
    await loadSecrets(folder)
    const { signing, replaced } = await rotateSigning(folder, { overlap: 60, now })
    const end = (accessKeyId: string): Promise<unknown> =>
      endPreviousSigning(folder, accessKeyId, { after: 0, now: later(1) })
    expect(await end(replaced.accessKeyId)).toMatchObject({ validUntil: later(1).toISOString() })
    expect(await end(signing.accessKeyId)).toBeNull()
    expect((await loadSecrets(folder)).signing).toEqual(signing)
  })

  it('is read from a file without its creation time or previous key', async () => {
    const { jwtSecret, signing } = await loadSecrets(folder)
    const { accessKeyId, secretAccessKey } = signing
    const old = { version: 1, jwtSecret, signing: { accessKeyId, secretAccessKey } }
    writeFileSync(join(folder, 'secrets.json'), JSON.stringify(old))
    expect(await loadSecrets(folder)).toEqual(old)
    expect((await rotateSigning(folder, { overlap: 60, now })).replaced).toMatchObject({ accessKeyId })
  })

  it('is replaced without writing the configured token secret', async () => {
    const { jwtSecret } = await loadSecrets(folder, { authSecret: 'auto' })
    await loadSecrets(folder, { authSecret: 'kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0pWcR5tVn2Z' })
    await rotateSigning(folder, { overlap: 60, now })
    expect((await loadSecrets(folder)).jwtSecret).toBe(jwtSecret)
  })
})
