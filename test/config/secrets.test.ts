import { fork } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { loadSecrets } from '../../src/config/secrets.ts'

const posix = process.platform !== 'win32'
let root: string
let folder: string
let file: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'postern-secrets-'))
  folder = join(root, 'deep', 'storage')
  file = join(folder, 'secrets.json')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('first start', () => {
  it('creates the file, and later starts read it', async () => {
    const first = await loadSecrets(folder)
    expect(first.signing.accessKeyId).toMatch(/^POSTERN[A-Z2-7]{13}$/)
    expect(first.signing.secretAccessKey).toMatch(/^[\w-]{40}$/)
    expect(Buffer.byteLength(first.jwtSecret)).toBeGreaterThanOrEqual(32)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ ...first, version: 1 })
    expect(posix ? statSync(file).mode & 0o777 : 0o600).toBe(0o600)
    expect(await loadSecrets(folder)).toEqual(first)
    expect(readdirSync(folder)).toEqual(['secrets.json'])
  })

  it('creates different secrets for another folder', async () => {
    const [one, two] = await Promise.all([loadSecrets(folder), loadSecrets(join(root, 'other'))])
    expect(one.jwtSecret).not.toBe(two.jwtSecret)
    expect(one.signing.accessKeyId).not.toBe(two.signing.accessKeyId)
    expect(one.signing.secretAccessKey).not.toBe(two.signing.secretAccessKey)
  })

  it('gives concurrent starts the same secrets, in one process and in several', async () => {
    const script = join(root, 'starter.mjs')
    const module = join(import.meta.dirname, '../../src/config/secrets.ts')
    writeFileSync(
      script,
      `const { loadSecrets } = await import(${JSON.stringify(`file://${module.replaceAll('\\', '/')}`)})
       process.on('message', async () => process.send(await loadSecrets(${JSON.stringify(folder)}), () => process.exit(0)))
       process.send('ready')`,
    )
    const children = Array.from({ length: 4 }, () => fork(script, { execArgv: [] }))
    const next = (child: (typeof children)[number]) => new Promise<unknown>((resolve) => child.once('message', resolve))
    await Promise.all(children.map(next))
    const theirs = children.map((child) => {
      const answer = next(child)
      child.send('go')
      return answer
    })
    const ours = Array.from({ length: 8 }, () => loadSecrets(folder))
    const all = await Promise.all([...ours, ...theirs])
    expect(new Set(all.map((secrets) => JSON.stringify(secrets))).size).toBe(1)
    expect(readdirSync(folder)).toEqual(['secrets.json'])
  })
})

it('uses auth.secret instead of the generated one, unless it is auto', async () => {
  const made = await loadSecrets(folder, { authSecret: 'auto' })
  const given = await loadSecrets(folder, { authSecret: 'kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0pWcR5tVn2Z' })
  expect(given).toEqual({ ...made, jwtSecret: 'kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0pWcR5tVn2Z' })
  expect(await loadSecrets(folder)).toEqual(made)
})

describe('an invalid file', () => {
  it.runIf(posix).each([0o640, 0o604, 0o660, 0o644])('mode %o is refused with the line that mends it', async (mode) => {
    await loadSecrets(folder)
    chmodSync(file, mode)
    await expect(loadSecrets(folder)).rejects.toThrow(`chmod 600 '${file}'`)
    chmodSync(file, 0o600)
    await expect(loadSecrets(folder)).resolves.toBeDefined()
    expect(readdirSync(folder)).toEqual(['secrets.json'])
  })

  it.each(['', '{', 'null', '{"version":1}', '{"version":1,"jwtSecret":"short","signing":{}}'])(
    'content %j is refused and left as it is',
    async (content) => {
      await loadSecrets(folder)
      writeFileSync(file, content)
      await expect(loadSecrets(folder)).rejects.toThrow(/secrets\.json:1: is damaged\. Restore it from a backup/)
      expect(readFileSync(file, 'utf8')).toBe(content)
    },
  )

  it('of a newer version is refused as such', async () => {
    await loadSecrets(folder)
    writeFileSync(file, '{"version":2}')
    await expect(loadSecrets(folder)).rejects.toThrow('was written by a newer version of Postern (format 2)')
  })

  it('is never printed', async () => {
    const { jwtSecret } = await loadSecrets(folder)
    writeFileSync(file, `{"jwtSecret":"${jwtSecret}"`)
    const error = await loadSecrets(folder).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(ConfigError)
    expect(String(error)).not.toContain(jwtSecret)
  })

  it('that cannot be created is reported, without a crash', async () => {
    writeFileSync(join(root, 'deep'), 'a file where a folder should be')
    await expect(loadSecrets(folder)).rejects.toMatchObject({ name: 'FileFailure' })
    expect(existsSync(file)).toBe(false)
  })
})
