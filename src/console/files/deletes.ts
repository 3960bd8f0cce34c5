/** Deletes that can still be undone: gone from the list, not yet from the server. */
import { ApiError, deleteFile } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { displayName, plural } from '../format.ts'
import { Later } from '../later.ts'
import { toasts } from '../toasts.ts'
import { dropFiles, reloadFiles } from './records.ts'

export const deletes = new Later<FileRecord>({
  drop: (files) => dropFiles(new Set(files.map((f) => f.id))),
  async carryOut(files, leaving) {
    const results = await Promise.allSettled(files.map((f) => deleteFile(f.id, leaving)))
    results.forEach((result, i) => {
      if (result.status === 'fulfilled') return
      const error: unknown = result.reason
      if (error instanceof ApiError && error.status === 404) return // someone else was faster
      const why = error instanceof Error ? error.message : ''
      toasts.say(`${displayName(files[i]?.filename ?? '')} was not deleted. ${why}`, 'bad')
    })
    reloadFiles()
  },
})

export function undoDeletes(): void {
  const count = deletes.undo()
  if (count > 0) toasts.say(count === 1 ? 'The file is back.' : `${plural(count, 'file')} are back.`)
}
