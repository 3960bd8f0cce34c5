/** Checks the compose files without an engine: their references, and their settings for Postern. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load-config.ts'

type Service = {
  build?: string
  image: string
  ports?: string[]
  volumes?: string[]
  environment: Record<string, string>
  depends_on?: Record<string, { condition: string }>
  healthcheck?: object
}
type Compose = { services: Record<string, Service>; volumes: Record<string, null> }

const root = join(import.meta.dirname, '../..')
const given = { S3_ACCESS_KEY: 'postern', S3_SECRET_KEY: '0123456789abcdef01234567fedcba9876543210' }
const text = (file: string): string => readFileSync(join(root, file), 'utf8')

/** `${NAME:-default}`, `${NAME:?what to do}` and `$$`, as compose reads them. A default may have a variable of its own. */
function interpolate(value: string, env: Record<string, string>): string {
  const inner = value.replace(/(?<=:-)\$\{\w+:-[^{}]*\}(?=\})/g, (variable) => interpolate(variable, env))
  return inner.replace(/\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g, (all, name: string, kind: string, more: string) => {
    if (all === '$$') return '$'
    if (env[name]) return env[name]
    if (kind === '?') throw new Error(`${name}: ${more}`)
    return more ?? ''
  })
}

function read(file: string, env: Record<string, string>): Compose {
  const reviver = (_: unknown, value: unknown): unknown => (typeof value === 'string' ? interpolate(value, env) : value)
  return parse(text(file), reviver, { merge: true }) as Compose
}

const emptyFolder = mkdtempSync(join(tmpdir(), 'postern-compose-'))
afterAll(() => rmSync(emptyFolder, { recursive: true }))

describe.each([
  [
    'compose.yaml',
    'disk',
    { API_URL: 'https://files.example.com', CORS_ORIGINS: 'https://a.example,https://b.example' },
  ],
  ['ops/compose.s3.yaml', 's3', { S3_BUCKET: 'pictures' }],
])('%s', (file, driver, other) => {
  it('sets only variables that Postern accepts, with default and with other values', () => {
    const image = /^ENV ((?:.*\\\n)*.*)$/m.exec(text('Dockerfile'))![1]!
    const fromImage = Object.fromEntries([...image.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name!, value!]))
    expect(fromImage['POSTERN_STORAGE_DISK_PATH']).toBe('/data')
    for (const more of [{}, other]) {
      const { environment } = read(file, { ...given, ...more }).services['postern']!
      // What `postern config check` does.
      const { config, warnings } = loadConfig({ env: { ...fromImage, ...environment }, cwd: emptyFolder })
      expect(warnings).toEqual([])
      expect(config.storage.driver).toBe(driver)
      expect(config.storage.disk.path).toBe(resolve('/data'))
    }
  })

  it('lets pages of development servers call it until it has a public URL', () => {
    const originsWith = (env: Record<string, string>): string[] => {
      const { environment } = read(file, { ...given, ...env }).services['postern']!
      return loadConfig({ env: environment, cwd: emptyFolder }).config.cors.origins.toSorted()
    }
    const own = 'http://localhost:4000'
    expect(originsWith({})).toEqual(['http://localhost:3000', own, 'http://localhost:5173', 'http://localhost:8080'])
    const API_URL = 'https://files.example.com'
    expect(originsWith({ API_URL })).toEqual([API_URL])
    expect(originsWith({ API_URL, CORS_ORIGINS: 'https://app.example.com' })).toEqual(['https://app.example.com'])
  })

  it('publishes the listening ports to this machine only, and mounts each volume', () => {
    const { services, volumes } = read(file, given)
    const { environment, ports = [], volumes: mounts = [] } = services['postern']!
    const listening = Object.entries(environment).filter(([name]) => name.endsWith('_LISTEN'))
    expect(ports).toEqual(listening.map(([, at]) => `127.0.0.1:${at.split(':')[1]}:${at.split(':')[1]}`))
    expect(mounts).toContain('data:/data')
    const mounted = Object.values(services).flatMap((service) => service.volumes ?? [])
    expect(mounted.map((mount) => mount.split(':')[0]).toSorted()).toEqual(Object.keys(volumes).toSorted())
    for (const port of Object.values(services).flatMap((service) => service.ports ?? []))
      expect(port).toMatch(/^127\.0\.0\.1:/)
  })

  it('depends only on services that exist, and waits only for those with a health check', () => {
    const { services } = read(file, given)
    const needs = Object.values(services).flatMap(({ depends_on: all = {} }) => Object.entries(all))
    const unmet = needs.filter(([name, { condition }]) => {
      const needed = services[name]
      return needed === undefined || (condition === 'service_healthy' && needed.healthcheck === undefined)
    })
    expect(unmet).toEqual([])
  })
})

it('the store does not start with a published secret', () => {
  expect(() => read('ops/compose.s3.yaml', {})).toThrow(/S3_(ACCESS|SECRET)_KEY: set S3_/)
  const { store, bucket, postern } = read('ops/compose.s3.yaml', given).services
  expect(store!.environment['MINIO_ROOT_PASSWORD']).toBe(given.S3_SECRET_KEY)
  expect(bucket!.environment['SECRET_KEY']).toBe(given.S3_SECRET_KEY)
  expect(postern!.environment['POSTERN_STORAGE_S3_SECRET_ACCESS_KEY']).toBe(given.S3_SECRET_KEY)
})
