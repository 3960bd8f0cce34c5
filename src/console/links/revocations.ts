/** Links about to be revoked. They are hidden in the list and can be restored for a few seconds. */
import { ApiError } from '../api.ts'
import { plural } from '../format.ts'
import { Later } from '../later.ts'
import { toasts } from '../toasts.ts'
import { dropLinks, reload, revokeLink } from './records.ts'

export type Revocation = { id: string; fileId: string; filename: string }

export const revocations = new Later<Revocation>({
  drop: (links) => dropLinks(new Set(links.map(({ id }) => id))),
  async carryOut(links, leaving) {
    const results = await Promise.allSettled(links.map(({ fileId, id }) => revokeLink(fileId, id, leaving)))
    const failed = results.flatMap((result) => {
      if (result.status === 'fulfilled') return []
      const error: unknown = result.reason
      // The file was deleted, or the link was revoked elsewhere.
      return error instanceof ApiError && error.status === 404 ? [] : [error instanceof Error ? error.message : '']
    })
    if (failed.length > 0)
      toasts.say(`${plural(failed.length, 'link')} not revoked and still active. ${failed[0]}`, 'bad')
    const revoked = links.length - failed.length
    if (revoked > 0) toasts.say(revoked === 1 ? 'The link was revoked.' : `${plural(revoked, 'link')} were revoked.`)
    for (const fileId of new Set(links.map((link) => link.fileId))) void reload(fileId)
  },
})

export function undoRevocations(): void {
  const count = revocations.undo()
  if (count > 0) toasts.say(count === 1 ? 'The link stays active.' : `${plural(count, 'link')} stay active.`)
}
