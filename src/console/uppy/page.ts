/** `/console/uppy`: runs Uppy against this server. */
import { createClient } from '../../client/index.ts'
import { session } from '../session.ts'
import { applyTheme } from '../theme.ts'
import { codeOf, optionsOf, type Choice } from './setup.ts'
import { storedFile } from './stored-file.ts'
import { addRow, type Row } from './uploads.ts'
import { load, type Uppy, type UppyFile } from './uppy-like.ts'

const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const form = find<HTMLFormElement>('form')
const input = find<HTMLInputElement>('files')
const pause = find<HTMLButtonElement>('pause')
const cancel = find<HTMLButtonElement>('cancel')

// The page is two levels below the server's base URL, whatever its path prefix.
const baseUrl = new URL('..', location.href).href.replace(/\/$/, '')
const { token } = session.get()
const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
const client = createClient({ baseUrl, headers })

/** Running instances, each with a function that marks its rows as canceled. */
const running = new Map<Uppy, () => void>()
let isPaused = false

function choice(): Choice {
  const given = new FormData(form)
  return { major: Number(given.get('major')), way: given.get('way'), shape: given.get('shape') } as Choice
}

const formatSize = (bytes: number): string =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`

function drawButtons(): void {
  pause.disabled = cancel.disabled = running.size === 0
  if (running.size === 0) isPaused = false
  pause.textContent = isPaused ? 'Resume' : 'Pause'
}

async function upload(files: File[], chosen: Choice): Promise<void> {
  find('empty').hidden = true
  const { Uppy, AwsS3 } = await load[chosen.major]()
  const uppy = new Uppy().use(AwsS3, optionsOf(chosen, client, headers))
  const rows = new Map<string, Row>()
  const settling: Promise<void>[] = []
  const parts = new Map<string, number>()
  for (const file of files) {
    const row = addRow(find('uploads'), { name: file.name, size: file.size, major: chosen.major })
    rows.set(uppy.addFile({ name: file.name, type: file.type, data: file }), row)
  }
  const rowOf = (file: UppyFile | undefined): Row | undefined => rows.get(file?.id ?? '')
  uppy.on('upload-progress', (file, { bytesUploaded }) => rowOf(file)?.progress(bytesUploaded))
  uppy.on('s3-multipart:part-uploaded', (file) => {
    parts.set(file.id, (parts.get(file.id) ?? 0) + 1)
    rowOf(file)?.parts(parts.get(file.id)!)
  })
  uppy.on('upload-success', (file, response) => {
    settling.push(show(rowOf(file), file?.name ?? '', response?.body?.key ?? ''))
  })
  uppy.on('upload-error', (file, error) => {
    rowOf(file)?.failed(error.message)
    find('refused').textContent = `${file?.name} was not uploaded. ${error.message}`
  })
  // A canceled run may never settle.
  const canceled = new Promise<void>((resolve) => {
    running.set(uppy, () => {
      for (const row of rows.values()) row.cancel()
      resolve()
    })
  })
  drawButtons()
  try {
    await Promise.race([uppy.upload(), canceled])
    await Promise.all(settling)
  } finally {
    running.delete(uppy)
    drawButtons()
  }
}

/** Shows the server's record of the file and its download URL. */
async function show(row: Row | undefined, name: string, key: string): Promise<void> {
  row?.say('asking the server')
  const found = await storedFile(client, { key, name, headers }).catch(() => null)
  if (!found) {
    row?.failed('Uppy reports success, but the server has no file with this key. See the request log in the console.')
    return
  }
  const { size, mimeType, status } = found.record
  row?.stored({ url: found.url, words: `${status}, ${formatSize(size)}, ${mimeType}` })
  find('said').textContent = `${name} uploaded`
}

const drawCode = (): void => void (find('code').textContent = codeOf(choice(), baseUrl))

form.addEventListener('change', drawCode)
form.addEventListener('submit', (event) => {
  event.preventDefault()
  const files = [...(input.files ?? [])]
  input.value = ''
  upload(files, choice()).catch((error: unknown) => {
    find('refused').textContent = error instanceof Error ? error.message : String(error)
  })
})
pause.addEventListener('click', () => {
  for (const uppy of running.keys()) {
    if (isPaused) uppy.resumeAll()
    else uppy.pauseAll()
  }
  isPaused = !isPaused
  drawButtons()
})
cancel.addEventListener('click', () => {
  for (const [uppy, end] of running) {
    uppy.cancelAll()
    end()
  }
  find('said').textContent = 'Canceled'
})

applyTheme()
drawCode()
