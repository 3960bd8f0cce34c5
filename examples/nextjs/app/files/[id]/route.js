import { redirect } from 'next/navigation'
import { askGateway } from '../../../server/gateway.js'

/** A permanent link that redirects the file's owner to a fresh download URL. */
export async function GET(_, { params }) {
  const { id } = await params
  const answer = await askGateway(`/files/${encodeURIComponent(id)}/download-url?disposition=attachment`)
  const { downloadUrl, error } = await answer.json()
  if (!answer.ok) return Response.json({ error }, { status: answer.status })
  redirect(downloadUrl)
}
