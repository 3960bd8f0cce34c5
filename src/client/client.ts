import { Api } from './api.ts'
import { Semaphore } from './semaphore.ts'
import * as records from './resume-records.ts'
import { Task, type TaskDeps } from './task.ts'
import type { Client, ClientOptions } from './types.ts'

/** Creates the client of one gateway. Sends no request before the first upload. */
export function createClient(options: ClientOptions): Client {
  const { concurrency = 3, timeouts = {} } = options
  const api = new Api(options)
  const deps: TaskDeps = {
    api,
    slots: new Semaphore(Math.max(1, concurrency)),
    timeouts: { stall: 60, answer: 600, offline: 3600, ...timeouts },
  }
  return {
    options,
    upload: (file, o = {}) => new Task(deps, { file }, o),
    uploadAll: (files, o = {}) => Array.from(files, (file) => new Task(deps, { file }, o)),
    pending: () => records.pending(api.baseUrl),
    resume: (record, o = {}) =>
      new Task(deps, { record }, { ...o, filename: record.filename, mimeType: record.mimeType }),
    async getDownloadUrl(id, o = {}) {
      const query = new URLSearchParams(Object.entries(o).map(([name, value]) => [name, String(value)])).toString()
      const { downloadUrl, expiresAt } = await api.download(encodeURIComponent(id), query && `?${query}`)
      return { url: downloadUrl, expiresAt }
    },
  }
}
