/** Findings of the security review about files, archives and foreign buckets. See docs/security-review.md. */
import { chmod, chown, lstat, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { printNote, printResult } from '../../src/cli/output.ts'
import { applyCors } from '../../src/doctor/bucket/cors-rules.ts'
import { placeHold } from '../../src/drivers/disk/holds.ts'
import { verifyStore } from '../../src/drivers/disk/verify/verify-store.ts'
import { emptyFolder, restoreTo, startSource } from '../backup/store.ts'
import { bucket, startFaultyStore } from '../doctor/faulty-store.ts'
import { put, startDisk } from '../drivers/start-disk.ts'
import { blobFilesOf, blobsOf, flipBit } from '../fixtures/damage.ts'

const stream = (bytes: Buffer): Readable => Readable.from([bytes], { objectMode: false })

describe('a backup from an attacker', () => {
  it('cannot hide entries behind a false end', async () => {
    const { driver, file, backup } = await startSource()
    await put(driver, 'a')
    await backup()
    const archive = readFileSync(file)
    const first = 512 + 512
    expect(archive.toString('latin1', 0, 19)).toBe('postern-backup.json')
    for (const zeros of [512, 1024]) {
      const parts = [archive.subarray(0, first), Buffer.alloc(zeros), archive.subarray(first)]
      const folder = emptyFolder()
      await expect(restoreTo(folder, stream(Buffer.concat(parts)))).rejects.toThrow('has data after its end')
      expect(await readdir(join(folder, 'storage'))).toEqual([])
    }
    const folder = emptyFolder()
    await restoreTo(folder, stream(Buffer.concat([archive, Buffer.alloc(9216)])))
    expect(existsSync(join(folder, 'catalog.sqlite'))).toBe(true)
  })

  it('cannot contain a catalog that runs code in the server', async () => {
    const { dir, file, backup } = await startSource()
    const db = new Database(join(dir, 'catalog.sqlite'))
    db.exec("CREATE TRIGGER evil AFTER INSERT ON files BEGIN UPDATE files SET owner = 'mallory'; END")
    db.close()
    await backup()
    const folder = emptyFolder()
    await expect(restoreTo(folder, file)).rejects.toThrow('its catalog contains more than tables')
    expect(existsSync(join(folder, 'catalog.sqlite'))).toBe(false)
  })

  it.each(['-wal', '-shm', '-journal'])('is not mixed with the %s of a catalog that was there before', async (end) => {
    const { file, backup } = await startSource()
    await backup()
    const folder = emptyFolder()
    await writeFile(join(folder, `catalog.sqlite${end}`), 'of another')
    await expect(restoreTo(folder, file)).rejects.toThrow(`catalog.sqlite${end} already exists`)
    expect(await readFile(join(folder, `catalog.sqlite${end}`), 'utf8')).toBe('of another')
  })
})

it.skipIf(process.platform === 'win32')(
  'everything in the store is for its owner alone, also where it was not',
  async () => {
    const { driver, dir, again } = await startDisk()
    await put(driver, 'hers')
    const open = async (): Promise<string[]> => {
      const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
      const modes = await Promise.all(files.map(async (file) => (await lstat(join(file.parentPath, file.name))).mode))
      return files.filter((_, i) => (modes[i]! & 0o077) !== 0).map(({ name }) => name)
    }
    expect((await readdir(dir)).filter((name) => name.startsWith('index.sqlite')).length).toBeGreaterThan(1)
    expect(await open()).toEqual([])
    await chmod(join(dir, 'index.sqlite'), 0o644)
    await driver.close()
    await again()
    expect(await open()).toEqual([])
  },
)

describe('a store in a folder that an attacker can write to', () => {
  async function damaged(): Promise<{ dir: string; id: string; repair: () => Promise<string[]> }> {
    const { driver, dir } = await startDisk()
    await put(driver, 'hers', 'some bytes')
    await flipBit(blobFilesOf(dir, 'hers')[0]!, 3)
    const repair = async (): Promise<string[]> => {
      const repairs: string[] = []
      const signal = new AbortController().signal
      const report = { problem: (found: { repair: string }) => void repairs.push(found.repair), count: () => {} }
      await verifyStore({ path: dir, deep: true, repair: true, grace: 60, tempGrace: 60, signal, report })
      return repairs
    }
    return { dir, id: blobsOf(dir, 'hers')[0]!, repair }
  }

  it('does not write a quarantine note through a link', async () => {
    const { dir, id, repair } = await damaged()
    const victim = join(emptyFolder(), 'victim')
    await writeFile(victim, 'untouched')
    await mkdir(join(dir, 'quarantine'))
    await symlink(victim, join(dir, 'quarantine', `${id}.json`))
    expect(await repair()).toEqual(['quarantined'])
    expect(await readFile(victim, 'utf8')).toBe('untouched')
    expect(JSON.parse(await readFile(join(dir, 'quarantine', `${id}.json`), 'utf8'))).toMatchObject({ blob: id })
  })

  it('does not move files through a linked folder', async () => {
    const { dir, repair } = await damaged()
    const elsewhere = emptyFolder()
    await symlink(elsewhere, join(dir, 'quarantine'))
    expect(await repair()).toEqual(['failed'])
    expect(await readdir(elsewhere)).toEqual([])
  })

  it.runIf(process.geteuid?.() === 0)('can be swept by its server after root made a backup', async () => {
    const { dir } = await startDisk()
    await chown(dir, 4711, 4711)
    const hold = await placeHold(dir)
    onTestFinished(() => hold.release())
    const [name = ''] = await readdir(join(dir, 'holds'))
    const owners = await Promise.all([join(dir, 'holds'), join(dir, 'holds', name)].map((path) => lstat(path)))
    expect(owners.map(({ uid }) => uid)).toEqual([4711, 4711])
  })
})

describe('doctor --fix', () => {
  const rule = '<CORSRule><AllowedOrigin>https://a.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>'
  it.each([
    ['a namespace of its own', `<s3:CORSConfiguration xmlns:s3="x">${rule}</s3:CORSConfiguration>`],
    ['attributes', `<CORSConfiguration>${rule.replace('<CORSRule>', '<CORSRule xmlns="x">')}</CORSConfiguration>`],
    ['comments between them', `<CORSConfiguration>${rule}<!-- ${rule} -->${rule}</CORSConfiguration>`],
    ['an end that did not come', `<CORSConfiguration>${rule}${rule.slice(0, 40)}`],
    ['no document at all', 'maintenance'],
  ])('does not overwrite rules with %s', async (_, body) => {
    const faulty = await startFaultyStore()
    onTestFinished(() => faulty.close())
    const asked: string[] = []
    faulty.fault = {
      answer: ({ method, query }: { method: string; query: URLSearchParams }) => {
        if (!query.has('cors')) return null
        asked.push(method)
        return { status: 200, body }
      },
    }
    const finding = await applyCors(faulty.probe({ origins: ['https://app.example.com'] }))
    expect(finding).toMatchObject({ outcome: 'failed', fix: expect.stringContaining('https://app.example.com') })
    expect(asked).toEqual(['GET'])
    expect((await faulty.store.headBucket(bucket)).cors ?? null).toBeNull()
  })
})

it('prints no control characters from bucket names or responses to the terminal', () => {
  const written: string[] = []
  const take = (text: unknown): boolean => written.push(String(text)) > 0
  const outputs = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')]
  for (const output of outputs) output.mockImplementation(take as never)
  printResult('orphan uploads/\u001b]0;evil\u0007\u009b2J\rok\u007f\n\tü')
  printNote('\u001b[2J')
  for (const output of outputs) output.mockRestore()
  expect(written).toEqual(['orphan uploads/\uFFFD]0;evil\uFFFD\uFFFD2J\uFFFDok\uFFFD\n\tü\n', '\uFFFD[2J\n'])
})
