/** Row 107: what is not built yet cannot be switched on. */
import { expect, test } from 'vitest'
import { checkSupported } from '../../src/config/not-yet.ts'
import { testConfig } from '../fixtures/gateway.ts'

test('107: a configuration with a webhook does not start', () => {
  const config = testConfig('unused', { webhooks: [{ url: 'http://169.254.169.254/latest/meta-data' }] })
  expect(checkSupported(config).map(({ key }) => key)).toContain('webhooks')
  expect(checkSupported(testConfig('unused')).map(({ key }) => key)).not.toContain('webhooks')
})
