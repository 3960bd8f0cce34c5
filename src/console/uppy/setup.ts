/** Sets up Uppy, and shows the same setup as code for the user's own page. */
import { type Client } from '../../client/index.ts'
import { uppyOptions } from '../../client/uppy.ts'
import type { Major } from './uppy-like.ts'

export type Way = 'client' | 'companion'
export type Shape = 'auto' | 'single' | 'parts'
export type Choice = { major: Major; way: Way; shape: Shape }

const partSize = 5 * 2 ** 20

/** Options of the plugin `@uppy/aws-s3`. */
export function optionsOf({ major, way, shape }: Choice, client: Client, headers: Record<string, string>): object {
  const { baseUrl } = client.options
  const address = major === 6 ? { companionEndpoint: baseUrl } : { endpoint: baseUrl, headers }
  return {
    ...(way === 'client' ? uppyOptions(client) : address),
    ...(shape === 'auto' ? {} : { shouldUseMultipart: shape === 'parts' }),
    ...(shape === 'parts' ? { getChunkSize: () => partSize } : {}),
  }
}

export function codeOf({ major, way, shape }: Choice, baseUrl: string): string {
  const own =
    shape === 'single'
      ? ['shouldUseMultipart: false']
      : shape === 'parts'
        ? ['shouldUseMultipart: true', 'getChunkSize: () => 5 * 2 ** 20']
        : []
  const given =
    way === 'client' ? '...uppyOptions(client)' : `${major === 6 ? 'companionEndpoint' : 'endpoint'}: '${baseUrl}'`
  const lines = [
    ...(way === 'client' ? [`const client = createClient({ baseUrl: '${baseUrl}' })`] : []),
    `new Uppy().use(AwsS3, { ${[given, ...own].join(', ')} })   // @uppy/core ${major}, @uppy/aws-s3 ${major}`,
  ]
  return lines.join('\n')
}
