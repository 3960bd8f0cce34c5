/** Security cases 109 to 117: the order of syncs, and the behaviour if one fails. */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileCalls, type FileCalls } from '../../src/drivers/disk/file-calls.ts'
import { openIndex } from '../../src/drivers/disk/open-index.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { bytesOf, collect, codeOf } from '../conformance/driver/suite-tools.ts'
import { blobFiles, tempFiles } from './disk-fixture.ts'
import { put, ref, startDisk } from './start-disk.ts'

const get = async (driver: StorageDriver, key: string): Promise<string> =>
  (await collect((await driver.getObject(ref(key))).stream())).toString()

const fault = (code: string, syscall: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: injected, ${syscall}`), { code, errno: -5, syscall })

describe('the index', () => {
  it('is not synced at each commit because the log is, and reports errors of a checkpoint', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'postern-index-'))
    const db = openIndex(join(dir, 'index.sqlite'))
    expect(db.pragma('synchronous', { simple: true })).toBe(1)
    expect(db.pragma('wal_autocheckpoint', { simple: true })).toBe(0)
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
    const version = db.prepare('SELECT sqlite_version()').pluck().get() as string
    const [major, minor, patch] = version.split('.').map(Number) as [number, number, number]
    expect(major * 1e6 + minor * 1e3 + patch).toBeGreaterThanOrEqual(3_051_003)
    db.close()
    await rm(dir, { recursive: true })
  })
})

describe('the order of a write', () => {
  /** Every call on a path or descriptor, by the path. */
  function recorder(): { log: string[]; calls: Partial<FileCalls> } {
    const log: string[] = []
    const paths = new Map<number, string>()
    return {
      log,
      calls: {
        async open(path, ...rest) {
          const fd = await fileCalls.open(path, ...rest)
          paths.set(fd, path)
          return fd
        },
        async writev(fd, ...rest) {
          const written = await fileCalls.writev(fd, ...rest)
          log.push(`write ${basename(dirname(paths.get(fd)!))}`)
          return written
        },
        async fsync(fd) {
          await fileCalls.fsync(fd)
          const path = paths.get(fd)!
          log.push(`sync ${basename(dirname(path)) === 'tmp' ? 'file' : path}`)
        },
        async rename(from, to) {
          await fileCalls.rename(from, to)
          log.push(`rename ${dirname(to)}`)
        },
        async mkdir(path) {
          await fileCalls.mkdir(path)
          log.push(`make ${path}`)
        },
      },
    }
  }

  it('is write, sync, rename, sync of the directory, and only then visible', async () => {
    const { log, calls } = recorder()
    const { fsync } = calls
    const fixture = await startDisk({ calls })
    const other = await fixture.again({ calls: {} })
    log.length = 0
    calls.fsync = async (fd) => {
      expect(await codeOf(other.headObject(ref('second')))).toBe('NotFound')
      await fsync!(fd)
    }
    const watched = await fixture.again({ calls: { ...calls } })
    await put(watched, 'second')
    log.push('answered')
    expect((await other.headObject(ref('second'))).contentLength).toBe(4)
    const ofBlob = log.filter((line) => !/^make |objects$|objects.[0-9a-f]{2}$/.test(line))
    expect(ofBlob).toEqual([
      'write tmp',
      'sync file',
      expect.stringMatching(/^rename /),
      expect.stringMatching(/^sync /),
      'answered',
    ])
    expect(ofBlob[3]!.slice('sync '.length)).toBe(ofBlob[2]!.slice('rename '.length))
  })

  it('syncs the parents of new folders', async () => {
    const { log, calls } = recorder()
    const fixture = await startDisk({ calls })
    log.length = 0
    await put(fixture.driver, 'first')
    const root = join(fixture.dir, 'objects')
    const [blob] = await blobFiles(fixture.dir)
    const inner = dirname(blob!)
    const outer = dirname(inner)
    for (const [made, parent] of [
      [outer, root],
      [inner, outer],
    ] as const) {
      expect(log.indexOf(`make ${made}`)).toBeGreaterThanOrEqual(0)
      expect(log.indexOf(`sync ${parent}`)).toBeGreaterThan(log.indexOf(`make ${made}`))
      expect(log.indexOf(`sync ${parent}`)).toBeLessThan(log.indexOf(`rename ${inner}`))
    }
  })

  it('syncs nothing with fsync: none', async () => {
    const { log, calls } = recorder()
    const fixture = await startDisk({ calls, fsync: 'none' })
    await put(fixture.driver, 'first', bytesOf(20 << 20))
    expect(log.filter((line) => line.startsWith('sync'))).toEqual([])
  })
})

describe('a sync that fails', () => {
  const failing = (isTarget: (path: string, objects: string) => boolean, objects: string): Partial<FileCalls> => {
    const paths = new Map<number, string>()
    return {
      async open(path, ...rest) {
        const fd = await fileCalls.open(path, ...rest)
        paths.set(fd, path)
        return fd
      },
      async fsync(fd) {
        if (isTarget(paths.get(fd)!, objects)) throw fault('EIO', 'fsync')
        await fileCalls.fsync(fd)
      },
    }
  }
  const depth = (path: string, objects: string): number => relative(objects, path).split(sep).length

  it.each([
    ['the file', (path: string) => basename(dirname(path)) === 'tmp'],
    ['its folder', (path: string, objects: string) => path.startsWith(objects + sep) && depth(path, objects) === 2],
    ['the parent of a new folder', (path: string, objects: string) => path === objects || depth(path, objects) === 1],
  ])('of %s: refused, nothing left, writes latched off, reads go on', async (_, isTarget) => {
    const { dir, driver: first, again } = await startDisk()
    await put(first, 'before', 'kept')
    const driver = await again({ calls: failing(isTarget, join(await realpath(dir), 'objects')) })
    expect(await codeOf(put(driver, 'lost'))).toBe('Internal')
    expect(await codeOf(driver.headObject(ref('lost')))).toBe('NotFound')
    expect(await tempFiles(dir)).toEqual([])
    expect(await codeOf(put(driver, 'later'))).toBe('Unavailable')
    expect(await codeOf(driver.deleteObject(ref('before')))).toBe('Unavailable')
    expect(await codeOf(driver.checkReady())).toBe('Unavailable')
    expect(await get(driver, 'before')).toBe('kept')
    await driver.close()

    const restarted = await again()
    expect(await get(restarted, 'before')).toBe('kept')
    await put(restarted, 'lost', 'second try')
    expect(await get(restarted, 'lost')).toBe('second try')
    expect(await blobFiles(dir)).toHaveLength(2)
  })

  it('in the middle of a large body fails the write', async () => {
    const calls: Partial<FileCalls> = { fdatasync: () => Promise.reject(fault('EIO', 'fdatasync')) }
    const { driver, dir } = await startDisk({ calls })
    expect(await codeOf(put(driver, 'large', bytesOf(40 << 20)))).toBe('Internal')
    expect(await tempFiles(dir)).toEqual([])
    expect(await blobFiles(dir)).toEqual([])
  })
})

describe('a disk that is full', () => {
  it.each([
    ['ENOSPC', 'InsufficientStorage'],
    ['EDQUOT', 'InsufficientStorage'],
    ['EMFILE', 'Unavailable'],
  ] as const)('answers %s as %s, keeps what it has, and writes again later', async (errno, code) => {
    let broken = false
    const step =
      <A extends unknown[], R>(call: (...args: A) => R | Promise<R>) =>
      (...args: A): R | Promise<R> =>
        broken ? Promise.reject(fault(errno, 'write')) : call(...args)
    const calls = errno === 'EMFILE' ? { open: step(fileCalls.open) } : { writev: step(fileCalls.writev) }
    const { driver, dir } = await startDisk({ calls })
    await put(driver, 'before', 'kept')
    expect(await get(driver, 'before')).toBe('kept')
    broken = true
    for (const size of [10, 2 << 20]) expect(await codeOf(put(driver, 'lost', bytesOf(size)))).toBe(code)
    expect(await get(driver, 'before')).toBe('kept')
    broken = false
    expect(await tempFiles(dir)).toEqual([])
    await put(driver, 'lost', 'fits')
    expect(await get(driver, 'lost')).toBe('fits')
  })

  it('keeps minFree free, and counts the declared length of a body', async () => {
    let free = 10 << 20
    const { driver } = await startDisk({
      minFree: 1 << 20,
      calls: { statfs: async () => ({ bavail: free / 4096, bsize: 4096 }) },
    })
    await put(driver, 'fits', bytesOf(1 << 20))
    expect(await codeOf(put(driver, 'too much', bytesOf(10 << 20)))).toBe('InsufficientStorage')
    // The free space is asked for once a second; what begins in the meantime is counted.
    const together = await Promise.all(
      Array.from({ length: 12 }, (_, i) => codeOf(put(driver, `${i}`, bytesOf(1 << 20)))),
    )
    expect(together.filter((code) => code === 'InsufficientStorage').length).toBeGreaterThanOrEqual(3)
    free = 0
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(await codeOf(put(driver, 'one byte'))).toBe('InsufficientStorage')
    expect(await codeOf(driver.checkReady())).toBe('InsufficientStorage')
    expect((await driver.headObject(ref('fits'))).contentLength).toBe(1 << 20)
  })
})
