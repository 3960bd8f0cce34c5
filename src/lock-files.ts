/** Names of the files that processes lock. They hold no data, stay after their process has ended, and are locked again. */
import { join } from 'node:path'

export const serverLock = (folder: string): string => join(folder, 'server.lock')

export const catalogLock = (file: string): string => `${file}.lock`

/** Says who holds the lock, for people. */
export const lockHolder = (lock: string): string => `${lock}.json`

export const keyLock = (folder: string): string => join(folder, 'keys.lock')
