/** What the server makes for itself at first start: the HS256 secret and the disk driver's signing key. */
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'

const secretsSchema = z.object({
  version: z.literal(1),
  jwtSecret: z.string().min(32),
  signing: z.object({ accessKeyId: z.string().regex(/^[A-Z0-9]{16,128}$/), secretAccessKey: z.string().min(40) }),
})

export type Secrets = z.infer<typeof secretsSchema>

export const secretsFileName = 'secrets.json'

/**
 * Reads `secrets.json` of a folder; makes folder and file where they are not there yet. Of several processes that
 * start at once, all get what the first one wrote. `authSecret` (`auth.secret`) stands in for the file's jwtSecret
 * unless it is `auto`. Throws `ConfigError` for a file that others may read, or that is damaged.
 */
export async function loadSecrets(folder: string, o: { authSecret?: string } = {}): Promise<Secrets> {
  const path = join(folder, secretsFileName)
  try {
    const secrets = (await readSecrets(folder, path)) ?? (await makeSecrets(folder, path))
    return o.authSecret === undefined || o.authSecret === 'auto' ? secrets : { ...secrets, jwtSecret: o.authSecret }
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw refused(path, `cannot be read or made (${(cause as NodeJS.ErrnoException).code ?? String(cause)}).`)
  }
}

async function readSecrets(folder: string, path: string): Promise<Secrets | null> {
  let text: string
  try {
    const file = await open(path)
    try {
      if (isOpenToOthers(await file.stat()) && (await keepsModes(folder))) {
        throw refused(
          path,
          `can be read by other users of this machine. Run: chmod 600 '${path.replaceAll("'", "'\\''")}'`,
        )
      }
      text = await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cause
  }
  return parse(text, path)
}

function parse(text: string, path: string): Secrets {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    content = undefined
  }
  const parsed = secretsSchema.safeParse(content)
  if (parsed.success) return parsed.data
  const version = (content as { version?: unknown } | undefined)?.version
  if (typeof version === 'number' && version > 1) {
    throw refused(path, `was written by a newer version of Postern (format ${version}). Start that one.`)
  }
  throw refused(
    path,
    'is damaged. Put it back from a backup; or delete it, and new secrets are made: every token and URL in use ends then.',
  )
}

const isOpenToOthers = (file: Stats): boolean => process.platform !== 'win32' && (file.mode & 0o077) !== 0

/** Some mounts show one mode for every file; there, a mode says nothing and chmod changes nothing. */
async function keepsModes(folder: string): Promise<boolean> {
  const probe = temporary(folder)
  try {
    const file = await open(probe, 'wx', 0o600)
    await file.close()
    return !isOpenToOthers(await stat(probe))
  } catch {
    return true
  } finally {
    await unlink(probe).catch(() => {})
  }
}

const temporary = (folder: string): string => join(folder, `.secrets-${randomBytes(9).toString('hex')}.tmp`)

/** The complete file appears under its name at once, and only where none was; then the winner's is read. */
async function makeSecrets(folder: string, path: string): Promise<Secrets> {
  await mkdir(folder, { recursive: true })
  const text = `${JSON.stringify(randomSecrets(), null, 2)}\n`
  const temp = temporary(folder)
  try {
    await writeDurably(temp, text)
    try {
      await link(temp, path)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      // File systems without hard links (FAT, some network mounts): the exclusive open decides who is first.
      if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS' || code === 'EOPNOTSUPP')
        await writeIfAbsent(path, text)
      else if (code !== 'EEXIST') throw cause
    }
  } finally {
    await unlink(temp).catch(() => {})
  }
  await syncFolder(folder)
  const secrets = await readSecrets(folder, path)
  if (secrets === null) throw refused(path, 'vanished while it was made.')
  return secrets
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function writeIfAbsent(path: string, text: string): Promise<void> {
  try {
    await writeDurably(path, text)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    // Another process is at it: wait until what it writes is whole.
    for (let tries = 0; tries < 50; tries++) {
      if ((await readFile(path, 'utf8')).endsWith('}\n')) return
      await new Promise((wake) => setTimeout(wake, 20))
    }
  }
}

/** Makes the new name survive a power cut, where the system can. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder)
  try {
    await handle.sync()
  } catch {
    // Some mounts refuse to sync a folder; the file itself is safe.
  } finally {
    await handle.close()
  }
}

function randomSecrets(): Secrets {
  const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const id = Array.from(randomBytes(13), (byte) => base32[byte % 32]).join('')
  return {
    version: 1,
    jwtSecret: randomBytes(48).toString('base64url'),
    signing: { accessKeyId: `POSTERN${id}`, secretAccessKey: randomBytes(30).toString('base64url') },
  }
}

function refused(path: string, message: string): ConfigError {
  return new ConfigError([{ source: { from: 'file', file: path, line: 1 }, key: null, message }])
}
