/** Undo for every kind of action. */
import { deletes, undoDeletes } from './files/deletes.ts'
import { revocations, undoRevocations } from './links/revocations.ts'

/** Undoes the most recent action. */
export function undo(): void {
  const [files, links] = [deletes.get(), revocations.get()]
  if (links.waiting.length > 0 && (files.waiting.length === 0 || links.at > files.at)) undoRevocations()
  else undoDeletes()
}

/** Carries out all delayed actions, because the user leaves. */
export async function commitAll(leaving = false): Promise<void> {
  await Promise.all([revocations.commit(leaving), deletes.commit(leaving)])
}
