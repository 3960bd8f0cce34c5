/** Records what a run wrote to a store, so that it can be deleted. */
import type { Received } from '../send.ts'

export type Request = {
  method: string
  /** Omit it for a request to the bucket. */
  key?: string
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
  body?: Buffer
}

export type Answer = Received & { text: string; code: string | null; message: string | null }

type Ask = (o: Request) => Promise<Answer>

export type Traces = {
  /** A key of this run. `remove` deletes its object. */
  key(name: string): string
  /** Call it before the request is sent, because the response may be lost. */
  expect(asked: Request): void
  /** Records the outcome of a request. */
  note(asked: Request, answer: Answer): void
  /** Deletes everything that may exist. Returns the keys that may still exist. */
  remove(ask: Ask): Promise<string[]>
}

/** `folder` must be unique to this run. */
export function createTraces(folder: string): Traces {
  const keys = new Set<string>()
  /** Upload ids and their keys. */
  const uploads = new Map<string, string>()
  let hasUploads = false

  async function findUploads(ask: Ask): Promise<void> {
    const query = { uploads: '', prefix: folder, 'encoding-type': 'url' }
    const { text } = await ask({ method: 'GET', query }).catch(() => ({ text: '' }))
    for (const [, upload] of text.matchAll(/<Upload>([\s\S]*?)<\/Upload>/g)) {
      const [, written = ''] = /<Key>([^<]+)<\/Key>/.exec(upload!) ?? []
      const [, uploadId] = /<UploadId>([^<]+)<\/UploadId>/.exec(upload!) ?? []
      const key = [...keys].find((one) => one === written || one === decoded(written))
      if (key !== undefined && uploadId !== undefined) uploads.set(uploadId, key)
    }
  }

  /** Whether the object or upload is deleted. Null if the store does not answer. */
  async function removed(ask: Ask, o: Request): Promise<boolean | null> {
    const { status } = await ask(o).catch(() => ({ status: 0 }))
    return status === 0 ? null : status < 300 || status === 404
  }

  return {
    key(name) {
      keys.add(folder + name)
      return folder + name
    },
    expect({ method, query }) {
      hasUploads ||= method === 'POST' && query?.['uploads'] !== undefined
    },
    note({ method, key, query }, { status, text }) {
      if (key === undefined) return
      const uploadId = query?.['uploadId']
      if (method === 'PUT' && query === undefined && status >= 400 && status < 500) keys.delete(key)
      if (method === 'DELETE' && uploadId !== undefined && status < 300) uploads.delete(uploadId)
      if (method !== 'POST' || query?.['uploads'] === undefined) return
      const [, created] = /<UploadId>([^<]+)<\/UploadId>/.exec(text) ?? []
      if (created !== undefined) uploads.set(created, key)
    },
    async remove(ask) {
      if (hasUploads) await findUploads(ask)
      const aborts = [...uploads].map(async ([uploadId, key]) =>
        (await removed(ask, { method: 'DELETE', key, query: { uploadId } })) ? null : key,
      )
      const deletions = [...keys].map(async (key) => {
        const isGone = await removed(ask, { method: 'DELETE', key })
        if (isGone !== false) return isGone ? null : key
        // A key that may not delete may not have written either, so the object may not exist.
        const { status } = await ask({ method: 'HEAD', key }).catch(() => ({ status: 0 }))
        return status === 404 ? null : key
      })
      const left = await Promise.all([...aborts, ...deletions])
      return [...new Set(left.filter((key) => key !== null))]
    },
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
