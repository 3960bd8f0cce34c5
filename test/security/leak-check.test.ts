/** Security case 106: the search for secrets at the end of each run works. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { signToken, testSecrets } from '../fixtures/gateway.ts'
import { searchLogs } from '../fixtures/leak-check.ts'

async function leaksOf(log: string, secrets = ''): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-leaks-'))
  try {
    await writeFile(join(folder, '1.log'), log)
    await writeFile(join(folder, '1.secrets'), secrets)
    return (await searchLogs(folder)).leaks.length
  } finally {
    await rm(folder, { recursive: true })
  }
}

const signature = 'ab12'.repeat(16)

test('finds a secret, a signature or a token in a log', async () => {
  const token = await signToken('alice')
  const lines = [
    `{"msg":"${testSecrets.jwtSecret}"}`,
    `{"url":"/k?X-Amz-Signature=${signature}&x=1"}`,
    `{"msg":"Bearer ${token}"}`,
    `{"msg":"/files?token=${token}"}`,
    `{"path":"/tmp/opaque-token-0123456789/x"}`,
  ]
  for (const line of lines) expect(await leaksOf(`{"msg":"fine"}\n${line}\n`, 'opaque-token-0123456789\n')).toBe(1)
  expect(await leaksOf(lines.join('\n'), 'opaque-token-0123456789\n')).toBe(5)
})

test('ignores a line without any', async () => {
  const harmless = `{"url":"/k?X-Amz-Signature=[hidden]","etag":"${signature}","requestId":"0123456789ABCDEF"}\n`
  expect(await leaksOf(harmless, 'opaque-token-0123456789\n')).toBe(0)
})
