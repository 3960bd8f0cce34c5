/** Links that are about to be revoked: out of the list, and for some seconds more to be had back. */
import { ApiError } from '../api.ts'
import { plural } from '../format.ts'
import { Later } from '../later.ts'
import { toasts } from '../toasts.ts'
import { dropLinks, lookAgain, revokeLink } from './records.ts'

export type Revocation = { id: string; fileId: string; filename: string }

export const revocations = new Later<Revocation>({
  drop: (links) => dropLinks(new Set(links.map(({ id }) => id))),
  async carryOut(links, leaving) {
    const results = await Promise.allSettled(links.map(({ fileId, id }) => revokeLink(fileId, id, leaving)))
    const failed = results.flatMap((result) => {
      if (result.status === 'fulfilled') return []
      const error: unknown = result.reason
      // Its file was deleted, or someone else was faster.
      return error instanceof ApiError && error.status === 404 ? [] : [error instanceof Error ? error.message : '']
    })
    if (failed.length > 0) toasts.say(`${plural(failed.length, 'link')} not revoked, and working. ${failed[0]}`, 'bad')
    const revoked = links.length - failed.length
    if (revoked > 0) toasts.say(revoked === 1 ? 'The link is revoked.' : `${plural(revoked, 'link')} are revoked.`)
    for (const fileId of new Set(links.map((link) => link.fileId))) void lookAgain(fileId)
  },
})

export function undoRevocations(): void {
  const count = revocations.undo()
  if (count > 0) toasts.say(count === 1 ? 'The link goes on working.' : `${plural(count, 'link')} go on working.`)
}
