/** Sub-resources of an object. Requests with one are not among the operations below. */
const subResources = [
  'acl',
  'annotation',
  'attributes',
  'encryption',
  'legal-hold',
  'renameObject',
  'restore',
  'retention',
  'select',
  'tagging',
  'torrent',
  'uploads',
]

/**
 * The `x-id` that the AWS SDK for JavaScript adds to the query of an object request, or undefined. Stores ignore it.
 * URLs include it so that they equal the SDK's byte for byte.
 */
export function operationId(
  method: string,
  query: Readonly<Record<string, string>> | undefined,
  headers: Readonly<Record<string, string>> | undefined,
): string | undefined {
  if (query && subResources.some((name) => query[name] !== undefined)) return undefined
  const ofUpload = query?.['uploadId'] !== undefined
  if (method === 'GET') return ofUpload ? 'ListParts' : 'GetObject'
  if (method === 'DELETE') return ofUpload ? 'AbortMultipartUpload' : 'DeleteObject'
  if (method !== 'PUT') return undefined
  const copies =
    headers !== undefined && Object.keys(headers).some((name) => name.toLowerCase() === 'x-amz-copy-source')
  if (ofUpload) return copies ? 'UploadPartCopy' : 'UploadPart'
  return copies ? 'CopyObject' : 'PutObject'
}
