/** Starts while another process has locked the index. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { codeOf } from '../conformance/driver/suite-tools.ts'
import { alone } from '../../src/drivers/peers.ts'
import { put, ref, startDisk } from './start-disk.ts'

function hold(dir: string): { release(): void } {
  const db = new Database(join(dir, 'index.sqlite'))
  onTestFinished(() => void db.close())
  db.exec('BEGIN IMMEDIATE')
  return { release: () => void db.exec('ROLLBACK') }
}

/** Resolves with the message of the first warning. */
function firstWarning() {
  let heard: (message: string) => void = () => {}
  const message = new Promise<string>((resolve) => (heard = resolve))
  return { message, log: { info() {}, warn: (_: object, text: string) => heard(text), error() {} } }
}

describe('a start', () => {
  it('waits for a busy index, and logs it', async () => {
    const { driver, dir, again } = await startDisk()
    await put(driver, 'a')
    await driver.close()
    const { release } = hold(dir)
    const { log, message } = firstWarning()
    const starting = again({ log, bucket: 'another' })
    expect(await message).toContain('waiting for another process that has locked the object index')
    release()
    const started = await starting
    expect((await started.headObject(ref('a'))).contentLength).toBe(4)
  })

  it('gives up after some seconds, but a replacement worker never does', async () => {
    const { dir, again } = await startDisk()
    const { release } = hold(dir)
    const replacement = again({ bucket: 'replaced', peers: { ...alone, isReplacement: true } })
    let isReplaced = false
    void replacement.then(() => (isReplaced = true))
    expect(await codeOf(again({ bucket: 'another' }))).toBe('Unavailable')
    expect(isReplaced).toBe(false)
    release()
    await replacement
    expect(isReplaced).toBe(true)
  })
})
