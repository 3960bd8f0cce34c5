/** The packed package, installed in a folder that has nothing else of this repository. */
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runNpm } from '../fixtures/npm.ts'

const root = join(import.meta.dirname, '..', '..')

/** What a user of Vite, React and TypeScript has; the versions are those of this repository. */
const beside = ['@types/node', '@types/react', '@types/react-dom', '@vitejs/plugin-react', 'react', 'react-dom']
const tools = ['typescript', 'vite']

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
const versions = { ...manifest['dependencies'], ...manifest['devDependencies'] }

export type EmptyProject = {
  folder: string
  /** Paths in the tarball. */
  packed: string[]
  write(name: string, content: string): void
  remove(): void
}

export async function makeProject(): Promise<EmptyProject> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'postern-package-')))
  const [{ filename, files }] = Object.values(
    JSON.parse(
      await runNpm(['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder], {
        cwd: root,
      }),
    ) as object,
  ) as [{ filename: string; files: { path: string }[] }]
  const write = (name: string, content: string): void => writeFileSync(join(folder, name), content)
  write(
    'package.json',
    JSON.stringify({
      name: 'an-empty-project',
      private: true,
      type: 'module',
      dependencies: { postern: `file:./${filename}` },
      devDependencies: Object.fromEntries([...beside, ...tools].map((name) => [name, versions[name]])),
    }),
  )
  await runNpm(['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder })
  for (const name of ['index.html', 'main.tsx', 'styles.css', 'vite-env.d.ts', 'vite.config.ts']) {
    cpSync(join(root, 'examples', 'react', name), join(folder, name))
  }
  return {
    folder,
    packed: files.map(({ path }) => path),
    write,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Uses every entry of the package as a user's own module would. */
export const everyEntry = `
import { createClient, UploadError, type FileRecord } from 'postern/client'
import { uppyOptions } from 'postern/client/uppy'
import { useUpload, UploadDropzone, type UploadDropzoneProps } from 'postern/react'
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

/** Without a bundler: the files of the package as they lie in node_modules. */
export const plainPage = `<!doctype html>
<meta charset="utf-8" />
<link rel="icon" href="data:," />
<input type="file" aria-label="File" />
<p role="status"></p>
<script type="module">
  import { createClient } from '/node_modules/postern/dist/client/index.js'
  import { uppyOptions } from '/node_modules/postern/dist/client/uppy.js'
  const client = createClient({ baseUrl: new URLSearchParams(location.search).get('api') })
  if (!uppyOptions(client).shouldUseMultipart({ size: 2 ** 30 })) throw new Error('no options for Uppy')
  document.querySelector('input').addEventListener('change', async ({ target }) => {
    const { id, checksum } = await client.upload(target.files[0], { checksum: 'always' })
    document.querySelector('p').textContent = checksum.algorithm + ' ' + (await client.getDownloadUrl(id)).url
  })
</script>
`
