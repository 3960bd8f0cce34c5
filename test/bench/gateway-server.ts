/** The gateway under measurement: disk driver, full fsync, on ephemeral ports. Prints one line of JSON when it listens. */
import { mkdirSync } from 'node:fs'
import { signToken, startGateway, testSecrets } from '../fixtures/gateway.ts'

const dir = process.argv[2]!
mkdirSync(dir, { recursive: true })
const running = await startGateway(
  {
    uploads: { maxSize: '5GiB' },
    limits: { issuePerMinute: 1_000_000_000, pendingUploads: 100_000_000 },
  },
  { dir },
)
const { apiUrl, objectsUrl } = running
console.log(JSON.stringify({ apiUrl, objectsUrl, token: await signToken('bench'), credentials: testSecrets.signing }))
process.once('SIGTERM', () => void running.close().then(() => process.exit(0)))
