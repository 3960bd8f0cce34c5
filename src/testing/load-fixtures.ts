/** `load` of `startPostern` and `--load` of `postern exec`. Turns files of a folder into objects, or into files of users. */
import { createReadStream, existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join, relative, resolve, sep } from 'node:path'
import { lookup } from 'mime-types'
import { parse } from 'yaml'
import { z } from 'zod'

/** `postern.yaml` in the folder. Paths are relative to the folder. */
const manifestSchema = z.strictObject({
  /** Bucket name → folder whose files become its objects. */
  buckets: z.record(z.string(), z.string()).default({}),
  /** Confirmed files of the JSON API. */
  files: z
    .array(
      z.strictObject({
        owner: z.string().min(1),
        path: z.string().min(1),
        filename: z.string().min(1).optional(),
        mimeType: z.string().min(1).optional(),
        visibility: z.enum(['private', 'public']).optional(),
        metadata: z.record(z.string(), z.unknown()).optional(),
      }),
    )
    .default([]),
})

export const manifestName = 'postern.yaml'

export type FixtureFile = z.infer<typeof manifestSchema>['files'][number] & { content: Buffer }
export type FixtureObject = { bucket: string; key: string; file: string; size: number; contentType: string }
export type Fixtures = { objects: FixtureObject[]; files: FixtureFile[]; buckets: string[] }

/**
 * Reads a folder. Without a manifest, the files of a subfolder with the name of a bucket go to that bucket, and all others
 * go to the first bucket. Errors: Error if the folder, a file of the manifest or a bucket is missing.
 */
export async function readFixtures(folder: string, buckets: readonly string[]): Promise<Fixtures> {
  const root = resolve(folder)
  const isFolder = await stat(root).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isFolder) throw new Error(`There is no folder ${root} to load. Name a folder with files in it.`)
  const manifest = join(root, manifestName)
  if (existsSync(manifest)) return fromManifest(root, await readFile(manifest, 'utf8'))
  return { objects: await withoutManifest(root, buckets), files: [], buckets: [] }
}

async function fromManifest(root: string, text: string): Promise<Fixtures> {
  const parsed = manifestSchema.safeParse(parse(text) ?? {})
  if (!parsed.success) {
    throw new Error(`${join(root, manifestName)} is not valid:\n${z.prettifyError(parsed.error)}`)
  }
  const { buckets, files } = parsed.data
  const objects = await Promise.all(
    Object.entries(buckets).map(([bucket, folder]) => objectsBelow(join(root, folder), bucket)),
  )
  const contents = files.map(async (file) => ({ ...file, content: await readFile(join(root, file.path)) }))
  return { objects: objects.flat(), files: await Promise.all(contents), buckets: Object.keys(buckets) }
}

async function withoutManifest(root: string, buckets: readonly string[]): Promise<FixtureObject[]> {
  const [first] = buckets
  if (first === undefined) {
    throw new Error(`Name a bucket for the files of ${root}, or describe them in ${join(root, manifestName)}.`)
  }
  const all = await objectsBelow(root, first)
  return all.map((object) => {
    const [top = '', ...rest] = object.key.split('/')
    return rest.length > 0 && buckets.includes(top) ? { ...object, bucket: top, key: rest.join('/') } : object
  })
}

async function objectsBelow(folder: string, bucket: string): Promise<FixtureObject[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(
    files.toSorted().map(async (file) => ({
      bucket,
      key: relative(folder, file).split(sep).join('/'),
      file,
      size: (await stat(file)).size,
      contentType: typeOf(file),
    })),
  )
}

/** The type for the extension of a name. */
export const typeOf = (name: string): string => lookup(extname(name)) || 'application/octet-stream'

export const openFixture = ({ file }: FixtureObject) => createReadStream(file)
