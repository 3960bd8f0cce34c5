/**
 * A FUSE file system whose files are disks with a volatile write cache, for loop devices. A write goes to the cache, and
 * fsync flushes it. Run as `node fuse-server.ts FOLDER BASE SECTOR` with the mount point, the file with the content of
 * the first disk, and the size of a sector. The first disk is `disk-0`. Writing the JSON of a PowerFailure to `control`
 * creates another disk. Reading `control` returns the CacheLoss, or nothing before the power failure. Deleting a disk's
 * file frees its memory. The process ends when the folder is unmounted.
 *
 * Protocol: https://www.kernel.org/doc/html/latest/filesystems/fuse/index.html and include/uapi/linux/fuse.h, version 7.31.
 * It answers one request at a time, so that a power failure is always between two writes.
 */
import { spawn } from 'node:child_process'
import { fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { seededRandom } from '../seeded-random.ts'
import { DiskImage, type LossMode } from './disk-image.ts'

/**
 * Power fails for the disk `of`; what is left of it is the disk `to`. At once with `atFlush: 0`, else before the n-th
 * flush from now that finds something in the cache. Another one replaces one that has not come.
 */
export type PowerFailure = { of: string; to: string; seed: number; mode: LossMode; atFlush: number }

const { ENOENT, ENOSYS, EINVAL, EIO, EOPNOTSUPP } = constants.errno
const op = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  unlink: 10,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  fallocate: 43,
} as const
const inHeader = 40
const maxWrite = 1 << 20
const flagMaxPages = 1 << 22
const openDirect = 1
const rootNode = 1n
const controlNode = 2n

const [folder = '', baseFile = '', sectorSize = ''] = process.argv.slice(2)
const base = openSync(baseFile, 'r')
const disks = new Map<bigint, { name: string; image: DiskImage }>()
let nextNode = 3n
let answer = Buffer.alloc(0)
let awaited: PowerFailure | null = null

function add(name: string, image: DiskImage): void {
  disks.set(nextNode++, { name, image })
}

const nodeOf = (name: string): bigint | null =>
  name === 'control' ? controlNode : ([...disks].find(([, disk]) => disk.name === name)?.[0] ?? null)

function control(text: string): void {
  awaited = JSON.parse(text) as PowerFailure
  answer = Buffer.alloc(0)
  if (awaited.atFlush === 0) failPower(awaited)
}

function failPower({ of, to, seed, mode }: PowerFailure): void {
  const disk = disks.get(nodeOf(of) ?? 0n)
  if (!disk) throw new Error(`no disk ${of}`)
  const { image, loss } = disk.image.failPower(seededRandom(seed), mode)
  add(to, image)
  answer = Buffer.from(JSON.stringify(loss))
  awaited = null
}

function flush(node: bigint): void {
  const disk = disks.get(node)
  if (!disk) return
  if (awaited?.of === disk.name && !disk.image.isFlushed && --awaited.atFlush === 0) failPower(awaited)
  disk.image.flush()
}

/** `struct fuse_attr` */
function attributes(node: bigint): Buffer {
  const attr = Buffer.alloc(88)
  const size = BigInt(disks.get(node)?.image.size ?? 0)
  attr.writeBigUInt64LE(node, 0)
  attr.writeBigUInt64LE(size, 8)
  attr.writeBigUInt64LE(size / 512n, 16)
  attr.writeUInt32LE(node === rootNode ? 0o040700 : 0o100600, 60)
  attr.writeUInt32LE(1, 64)
  attr.writeUInt32LE(4096, 80)
  return attr
}

const cString = (bytes: Buffer): string => bytes.subarray(0, bytes.indexOf(0)).toString()

/** The body of the answer, an errno, or null where the kernel wants no answer. */
function handle(opcode: number, node: bigint, body: Buffer): Buffer | number | null {
  switch (opcode) {
    case op.init: {
      const out = Buffer.alloc(64)
      out.writeUInt32LE(7, 0)
      out.writeUInt32LE(31, 4)
      out.writeUInt32LE(flagMaxPages, 12)
      out.writeUInt16LE(64, 16)
      out.writeUInt16LE(48, 18)
      out.writeUInt32LE(maxWrite, 20)
      out.writeUInt32LE(1, 24)
      out.writeUInt16LE(maxWrite / 4096, 28)
      return out
    }
    case op.lookup: {
      const found = nodeOf(cString(body))
      if (found === null) return ENOENT
      const entry = Buffer.alloc(40)
      entry.writeBigUInt64LE(found, 0)
      return Buffer.concat([entry, attributes(found)])
    }
    case op.getattr:
    case op.setattr:
      return Buffer.concat([Buffer.alloc(16), attributes(node)])
    case op.unlink:
      disks.delete(nodeOf(cString(body)) ?? 0n)
      return Buffer.alloc(0)
    case op.open: {
      const out = Buffer.alloc(16)
      // Without the kernel's cache between the loop device and the disk.
      out.writeUInt32LE(openDirect, 8)
      return out
    }
    case op.read: {
      const offset = Number(body.readBigUInt64LE(8))
      const size = body.readUInt32LE(16)
      if (node === controlNode) return answer.subarray(offset, offset + size)
      return disks.get(node)?.image.read(offset, size) ?? EIO
    }
    case op.write: {
      const offset = Number(body.readBigUInt64LE(8))
      const size = body.readUInt32LE(16)
      const bytes = body.subarray(40, 40 + size)
      if (node === controlNode) control(bytes.toString())
      else disks.get(node)?.image.write(offset, Buffer.from(bytes))
      const out = Buffer.alloc(8)
      out.writeUInt32LE(size, 0)
      return out
    }
    case op.fsync:
      flush(node)
      return Buffer.alloc(0)
    case op.statfs: {
      const out = Buffer.alloc(80)
      out.writeUInt32LE(4096, 40)
      out.writeUInt32LE(255, 44)
      return out
    }
    case op.release:
    case op.flush:
    case op.destroy:
      return Buffer.alloc(0)
    case op.forget:
    case op.batchForget:
    case op.interrupt:
      return null
    case op.fallocate:
      return EOPNOTSUPP
    default:
      return ENOSYS
  }
}

function reply(device: number, unique: bigint, result: Buffer | number): void {
  const body = typeof result === 'number' ? Buffer.alloc(0) : result
  const header = Buffer.alloc(16)
  header.writeUInt32LE(16 + body.length, 0)
  header.writeInt32LE(typeof result === 'number' ? -result : 0, 4)
  header.writeBigUInt64LE(unique, 8)
  writeSync(device, Buffer.concat([header, body]))
}

function serve(device: number): void {
  const request = Buffer.alloc(maxWrite + 4096)
  const giveUpAt = Date.now() + 10_000
  for (let isMounted = false; ;) {
    try {
      const length = readSync(device, request)
      isMounted = true
      const unique = request.readBigUInt64LE(8)
      let result: Buffer | number | null
      try {
        result = handle(request.readUInt32LE(4), request.readBigUInt64LE(16), request.subarray(inHeader, length))
      } catch (error) {
        console.error(error)
        result = EINVAL
      }
      if (result !== null) reply(device, unique, result)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENODEV') return
      // EPERM: mount has not connected the device yet. ENOENT: the request was interrupted.
      if (code !== 'ENOENT' && code !== 'EINTR' && (code !== 'EPERM' || isMounted || Date.now() > giveUpAt)) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

add('disk-0', new DiskImage({ base, size: fstatSync(base).size, sectorSize: Number(sectorSize) }))
const device = openSync('/dev/fuse', 'r+')
// Not waited for: it asks for the folder's attributes, which are answered below.
spawn('mount', ['-i', '-t', 'fuse', '-o', 'fd=3,rootmode=40700,user_id=0,group_id=0', 'write-cache', folder], {
  stdio: ['ignore', 'inherit', 'inherit', device],
})
serve(device)
process.exit(0)
