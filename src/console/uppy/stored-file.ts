/** Looks up the server's record of an upload that Uppy finished. */
import type { Client, FileRecord } from '../../client/index.ts'

/** The record and a download URL. null if the server has no file with this key. */
export async function storedFile(
  client: Client,
  o: { key: string; name: string; headers: Record<string, string> },
): Promise<{ record: FileRecord; url: string } | null> {
  const query = new URLSearchParams({ q: o.name, limit: '100' })
  const ask = async <T>(path: string): Promise<T | null> => {
    const answer = await fetch(`${client.options.baseUrl}${path}`, { headers: o.headers, cache: 'no-store' })
    return answer.ok ? ((await answer.json()) as T) : null
  }
  const { files } = (await ask<{ files: FileRecord[] }>(`/files?${query}`)) ?? { files: [] }
  const record = files.find(({ key }) => key === o.key)
  if (!record) return null
  const { url } = await client.getDownloadUrl(record.id)
  // With a bucket the file may be listed as pending until its bytes are requested.
  return { record: (await ask<FileRecord>(`/files/${record.id}`)) ?? record, url }
}
