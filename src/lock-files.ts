/** Names of the files that processes lock. They contain no data, remain after the process exits, and are reused. */
import { join } from 'node:path'

export const serverLock = (folder: string): string => join(folder, 'server.lock')

export const catalogLock = (file: string): string => `${file}.lock`

/** The file that names the holder of the lock, for messages. */
export const lockHolder = (lock: string): string => `${lock}.json`

export const keyLock = (folder: string): string => join(folder, 'keys.lock')
