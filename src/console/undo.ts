/** All that can be undone, whatever it was. */
import { deletes, undoDeletes } from './files/deletes.ts'
import { revocations, undoRevocations } from './links/revocations.ts'

/** What was done last. */
export function undo(): void {
  const [files, links] = [deletes.get(), revocations.get()]
  if (links.waiting.length > 0 && (files.waiting.length === 0 || links.at > files.at)) undoRevocations()
  else undoDeletes()
}

/** Nothing is left waiting: the user goes away. */
export async function commitAll(leaving = false): Promise<void> {
  await Promise.all([revocations.commit(leaving), deletes.commit(leaving)])
}
