/** Files for the console, uploaded by the page or stored before the test. */
import type { Page } from 'playwright-core'
import type { RunningGateway } from '../fixtures/gateway.ts'

export type SampleFile = { name: string; mimeType: string; buffer: Buffer }

export const textFile = (name: string, text = 'hello'): SampleFile => ({
  name,
  mimeType: 'text/plain',
  buffer: Buffer.from(text),
})

/** Uploads by the API itself, as another program of the same user would. */
export async function storeFile(
  gateway: RunningGateway,
  file: SampleFile,
  token?: string,
): Promise<{ id: string; key: string }> {
  const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
  const post = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(gateway.apiUrl + path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(await answer.text())
    return (await answer.json()) as Record<string, unknown>
  }
  const ticket = await post('/files/upload-url', {
    filename: file.name,
    mimeType: file.mimeType,
    size: file.buffer.length,
  })
  const sent = await fetch(String(ticket['uploadUrl']), {
    method: 'PUT',
    headers: ticket['headers'] as Record<string, string>,
    body: new Uint8Array(file.buffer),
  })
  if (!sent.ok) throw new Error(await sent.text())
  const { id, key } = await post('/files/confirm', { key: ticket['key'] })
  return { id: String(id), key: String(key) }
}

export const choose = (page: Page, files: SampleFile[]): Promise<void> => page.setInputFiles('input[type=file]', files)
