/** Deletes that can still be undone. The files are hidden in the list but not yet deleted on the server. */
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
      if (error instanceof ApiError && error.status === 404) return // already deleted elsewhere
      const why = error instanceof Error ? error.message : ''
      toasts.say(`${displayName(files[i]?.filename ?? '')} was not deleted. ${why}`, 'bad')
    })
    reloadFiles()
  },
})

export function undoDeletes(): void {
  const count = deletes.undo()
  if (count > 0) toasts.say(count === 1 ? 'The file was restored.' : `${plural(count, 'file')} were restored.`)
}
