/** What the server has of an upload that Uppy calls done. */
import type { Client, FileRecord } from '../../client/index.ts'

/** The record and a download URL; null where the server knows no file of this key. */
export async function storedFile(
  client: Client,
  o: { key: string; name: string; headers: Record<string, string> },
): Promise<{ record: FileRecord; url: string } | null> {
  const query = new URLSearchParams({ q: o.name, limit: '100' })
  const answer = await fetch(`${client.options.baseUrl}/files?${query}`, { headers: o.headers, cache: 'no-store' })
  if (!answer.ok) return null
  const { files } = (await answer.json()) as { files: FileRecord[] }
  const record = files.find(({ key }) => key === o.key)
  return record ? { record, url: (await client.getDownloadUrl(record.id)).url } : null
}
