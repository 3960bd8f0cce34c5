import { expect, it } from 'vitest'
import { scopeOfHost } from '../../src/doctor/host-scope.ts'

it.each([
  ['localhost', 'loopback'],
  ['127.0.0.1', 'loopback'],
  ['[::1]', 'loopback'],
  ['10.1.2.3', 'private'],
  ['192.168.0.4', 'private'],
  ['169.254.169.254', 'private'],
  ['[fd00::1]', 'private'],
  ['minio', 'internal'],
  ['minio.storage.svc.cluster.local', 'internal'],
  ['nas.home.arpa', 'private'],
  ['nas.lan', 'private'],
  ['files.example.com', 'public'],
  ['8.8.8.8', 'public'],
])('%s is %s', (host, scope) => {
  expect(scopeOfHost(host)).toBe(scope)
})
