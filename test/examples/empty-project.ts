/** Installs the packed packages in folders outside this repository. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runNpm } from '../fixtures/npm.ts'

const root = join(import.meta.dirname, '..', '..')

/** What a user of Vite, React and TypeScript has; the versions are those of this repository. */
const viteTools = [
  '@types/node',
  '@types/react',
  '@types/react-dom',
  '@vitejs/plugin-react',
  'react',
  'react-dom',
  'typescript',
  'vite',
]

const manifestOf = (folder: string): Record<string, Record<string, string>> =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
const manifest = manifestOf(root)
const versions = { ...manifest['dependencies'], ...manifest['devDependencies'] }

export type EmptyProject = {
  folder: string
  write(name: string, content: string): void
  remove(): void
}

type Packed = { filename: string; files: { path: string }[] }

/** Packs one of the three packages of dist/packages into `folder`. */
async function pack(name: 'postern' | 'client' | 'react', folder: string): Promise<Packed> {
  const args = ['pack', '--json', '--loglevel=error', '--pack-destination', folder]
  const said = await runNpm(args, { cwd: join(root, 'dist', 'packages', name) })
  const [packed] = Object.values(JSON.parse(said) as object) as [Packed]
  return packed
}

function emptyProject(): EmptyProject {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'postern-project-')))
  return {
    folder,
    write(name, content) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), content)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function install(project: EmptyProject, dependencies: Record<string, string>): Promise<void> {
  project.write(
    'package.json',
    JSON.stringify({ name: 'an-empty-project', private: true, type: 'module', dependencies }),
  )
  await runNpm(['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: project.folder })
}

const pinned = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, versions[name]!]))

async function packedFrontEnd(folder: string): Promise<Record<string, string>> {
  const client = await pack('client', folder)
  const react = await pack('react', folder)
  return { '@postern/client': `file:./${client.filename}`, '@postern/react': `file:./${react.filename}` }
}

const pageFiles = ['index.html', 'main.tsx', 'styles.css', 'vite-env.d.ts', 'vite.config.ts']

function writePage(project: EmptyProject, edit: (text: string) => string = (text) => text): void {
  for (const name of pageFiles) {
    project.write(name, edit(readFileSync(join(root, 'examples', 'react', name), 'utf8')))
  }
}

/** A project with `postern` alone, and the example page that uses its browser modules. `packed`: paths in the tarball. */
export async function makeProject(): Promise<EmptyProject & { packed: string[] }> {
  const project = emptyProject()
  const { filename, files } = await pack('postern', project.folder)
  await install(project, { postern: `file:./${filename}`, ...pinned(['react-dropzone', ...viteTools]) })
  writePage(project)
  return { ...project, packed: files.map(({ path }) => path) }
}

/** A project with `postern` alone. */
export async function makeServerProject(): Promise<EmptyProject & { tarball: string }> {
  const project = emptyProject()
  const { filename } = await pack('postern', project.folder)
  await install(project, { postern: `file:./${filename}` })
  return { ...project, tarball: join(project.folder, filename) }
}

/** `@postern/client` and `@postern/react` in an application of Vite, with the same page. */
export async function makeViteApp(): Promise<EmptyProject> {
  const project = emptyProject()
  await install(project, { ...(await packedFrontEnd(project.folder)), ...pinned(viteTools) })
  writePage(project, (text) => text.replaceAll("'postern/react", "'@postern/react"))
  return project
}

/** The same packages in an application of Next.js that is exported as static files. */
export async function makeNextApp(): Promise<EmptyProject> {
  const project = emptyProject()
  const { next, react, 'react-dom': reactDom } = manifestOf(join(root, 'examples', 'nextjs'))['dependencies']!
  const tools = { next: next!, react: react!, 'react-dom': reactDom! }
  await install(project, { ...(await packedFrontEnd(project.folder)), ...tools })
  project.write(
    'next.config.js',
    `export default { output: 'export', turbopack: { root: import.meta.dirname }, outputFileTracingRoot: import.meta.dirname }`,
  )
  project.write(
    'app/layout.jsx',
    `import '@postern/react/styles.css'
export default ({ children }) => <html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>`,
  )
  project.write(
    'app/page.jsx',
    `'use client'
import { useState } from 'react'
import { createClient } from '@postern/client'
import { UploadDropzone } from '@postern/react'

const client = createClient({ baseUrl: process.env.NEXT_PUBLIC_POSTERN_URL })

export default function Page() {
  const [files, setFiles] = useState([])
  const open = async (id) => location.assign((await client.getDownloadUrl(id, { disposition: 'attachment' })).url)
  return (
    <>
      <UploadDropzone client={client} onSuccess={(file) => setFiles((before) => [file, ...before])} />
      {files.map(({ id, filename }) => (
        <button key={id} onClick={() => open(id)}>Download {filename}</button>
      ))}
    </>
  )
}`,
  )
  return project
}

/** A folder with `@postern/client` alone, and a page with plain script tags. */
export async function makePlainPage(): Promise<EmptyProject> {
  const project = emptyProject()
  const { filename } = await pack('client', project.folder)
  await install(project, { '@postern/client': `file:./${filename}` })
  project.write('index.html', plainPage('/node_modules/@postern/client'))
  return project
}

/** Uses every entry of the package as a user's own module would. */
export const everyEntry = `
import { createClient, UploadError, type FileRecord } from 'postern/client'
import { uppyOptions } from 'postern/client/uppy'
import { useUpload, UploadDropzone, type UploadDropzoneProps } from 'postern/react'
import { startPostern, type Postern } from 'postern/testing'
import { createGateway, createLogger, createStorage, loadConfig, loadSecrets, StorageError, type Gateway } from 'postern'

export async function send(file: File): Promise<FileRecord | UploadError['code']> {
  const client = createClient({ baseUrl: '', headers: async () => ({ authorization: 'Bearer …' }) })
  const task = client.upload(file, { checksum: 'always' })
  task.subscribe(() => console.log(task.getSnapshot().progress.percent))
  void uppyOptions(client).shouldUseMultipart({ size: 5 })
  try {
    return await task
  } catch (error) {
    if (error instanceof UploadError) return error.code
    throw error
  }
}
export const kit = (): Promise<Postern> => startPostern({ buckets: ['uploads'] })
export const parts: [typeof useUpload, typeof UploadDropzone, UploadDropzoneProps?] = [useUpload, UploadDropzone]

export async function open(): Promise<Gateway> {
  const { config } = loadConfig({ flags: { 'storage.driver': 'disk' } })
  const secrets = await loadSecrets(config.storage.disk.path, { authSecret: config.auth.secret })
  const log = createLogger(config.log)
  const storage = await createStorage(config, { secrets, log })
  const put = await storage.presignUpload({ bucket: 'b', key: 'k' }, { expiresIn: 60 })
  if (put.url === '') throw new StorageError('NotFound')
  // @ts-expect-error -- a typo in the options must be seen, so the types are there
  void createGateway(config, { secret: secrets, log })
  return createGateway(config, { secrets, log })
}
`

/** The gateway in a server of the user's own, below two paths of one port. */
export const mounting = `
import { createServer } from 'node:http'
import { createGateway, createLogger, createStorage, loadConfig, loadSecrets } from 'postern'

const { config } = loadConfig({
  env: {},
  cwd: process.cwd(),
  flags: {
    'storage.disk.path': process.argv[2],
    'server.publicUrl': 'http://127.0.0.1:' + process.argv[3],
    'objects.publicUrl': 'http://127.0.0.1:' + process.argv[3] + '/objects',
    'objects.listen': 'shared',
    'auth.anonymous': 'guest',
    'log.level': 'warn',
  },
})
const secrets = await loadSecrets(config.storage.disk.path, { authSecret: config.auth.secret })
const log = createLogger(config.log)
const gateway = await createGateway(config, { secrets, log })
const api = gateway.api.callback()
const objects = gateway.objects.callback()
createServer((req, res) => {
  if (req.url === '/mine') return void res.end('my own page')
  if (req.url.startsWith('/objects/')) return objects(req, res)
  api(req, res)
}).listen(Number(process.argv[3]), '127.0.0.1', async () => {
  const storage = await createStorage(config, { secrets, log })
  console.log(JSON.stringify({ driver: storage.name }))
})
`

/** Without a bundler: `client` is the URL of the client's files in node_modules. */
export const plainPage = (client: string): string => `<!doctype html>
<meta charset="utf-8" />
<link rel="icon" href="data:," />
<input type="file" aria-label="File" />
<p role="status"></p>
<script type="module">
  import { createClient } from '${client}/index.js'
  import { uppyOptions } from '${client}/uppy.js'
  const client = createClient({ baseUrl: new URLSearchParams(location.search).get('api') })
  if (!uppyOptions(client).shouldUseMultipart({ size: 2 ** 30 })) throw new Error('no options for Uppy')
  document.querySelector('input').addEventListener('change', async ({ target }) => {
    const { id, checksum } = await client.upload(target.files[0], { checksum: 'always' })
    document.querySelector('p').textContent = checksum.algorithm + ' ' + (await client.getDownloadUrl(id)).url
  })
</script>
`
