import { redirect } from 'next/navigation'
import { askGateway } from '../../../server/gateway.js'

/** A link that can be kept: it leads to a fresh download URL, for the file's owner alone. */
export async function GET(_, { params }) {
  const { id } = await params
  const answer = await askGateway(`/files/${encodeURIComponent(id)}/download-url?disposition=attachment`)
  const { downloadUrl, error } = await answer.json()
  if (!answer.ok) return Response.json({ error }, { status: answer.status })
  redirect(downloadUrl)
}
