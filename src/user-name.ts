import { userInfo } from 'node:os'

/** The user that this process runs as, for messages about files that it cannot open. */
export function userName(): string {
  try {
    const { username, uid } = userInfo()
    return uid >= 0 ? `user ${username} (uid ${uid})` : `user ${username}`
  } catch {
    // A container may run as a uid without a name.
    return `uid ${process.geteuid?.() ?? 'unknown'}`
  }
}
