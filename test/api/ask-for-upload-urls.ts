import type { RunningGateway } from '../fixtures/gateway.ts'
import { as, textFile, type Answer } from './caller.ts'

/** Every route that hands out URLs for uploads. */
export async function askForUploadUrls(gateway: RunningGateway, pending: string, multipart: string): Promise<Answer[]> {
  const alice = await as(gateway, 'alice')
  return [
    await alice.post('/files/upload-url', textFile),
    await alice.post('/api/upload-url', textFile),
    await alice.post(`/files/${pending}/upload-url`),
    await alice.post('/files/multipart', textFile),
    await alice.post(`/files/multipart/${multipart}/parts`, { partNumbers: [1] }),
    await alice.get('/s3/params?filename=a.txt&type=text%2Fplain'),
    await alice.post('/s3/multipart', { filename: 'a.txt', type: 'text/plain' }),
  ]
}
