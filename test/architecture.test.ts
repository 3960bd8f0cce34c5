/** The allowed imports of docs/ARCHITECTURE.md, enforced: a layer that reaches past its neighbour fails here. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = join(import.meta.dirname, '../src')

type Rule = { from: RegExp; may: RegExp[] }

/** First match rules. What a file may import of ours; packages are another matter (below). */
const rules: Rule[] = [
  { from: /^(gateway\/|(main|storage|index)\.ts$)/, may: [/./] },
  { from: /^active-type\.ts$/, may: [/^media-type\.ts$/] },
  {
    from: /^(errors|gateway-names|lock-files|log|media-type|node-version|sqlite-file|time-slices|user-name)\.ts$/,
    may: [],
  },
  { from: /^cannot-open\.ts$/, may: [/^user-name\.ts$/] },
  { from: /^sqlite-lock\.ts$/, may: [/^(sqlite-file|cannot-open)\.ts$/] },
  { from: /^circuit-breaker\.ts$/, may: [/^errors\.ts$/] },
  { from: /^supported-node\.ts$/, may: [/^node-version\.ts$/] },
  { from: /^sigv4\//, may: [/^sigv4\//] },
  { from: /^explain\//, may: [/^(explain|sigv4)\//] },
  {
    from: /^config\//,
    may: [
      /^config\//,
      /^drivers\/(registry|registration)\.ts$/,
      /^(active-type|gateway-names|cannot-open|lock-files)\.ts$/,
    ],
  },
  // The list of drivers, what each of them says about itself, and the commands of stores in a folder.
  {
    from: /^drivers\/registry\.ts$/,
    may: [/^drivers\/registration\.ts$/, /^drivers\/[^/]+\/(registration|folder-tools)\.ts$/],
  },
  {
    from: /^drivers\/registration\.ts$/,
    may: [/^drivers\/[^/]+\.ts$/, /^drivers\/endpoint\/presigner\.ts$/, /^sigv4\/types\.ts$/],
  },
  {
    from: /^drivers\/[^/]+\/registration\.ts$/,
    may: [
      /^drivers\/registration\.ts$/,
      /^config\/values\.ts$/,
      /^(cannot-open|errors)\.ts$/,
      /^drivers\/[^/]+\/[^/]+\.ts$/,
    ],
  },
  // Does with the core of a driver what the driver leaves out.
  {
    from: /^drivers\/complete-driver\.ts$/,
    may: [/^drivers\/((endpoint|proxied)\/|[^/]+\.ts$)/, /^(errors|gateway-names)\.ts$/],
  },
  { from: /^drivers\/expectation\.ts$/, may: [/^errors\.ts$/, /^drivers\/(driver\.ts$|checksums\/)/] },
  { from: /^drivers\/[^/]+\.ts$/, may: [/^(errors|gateway-names)\.ts$/, /^drivers\/[^/]+\.ts$/] },
  {
    from: /^drivers\/disk\//,
    may: [
      /^drivers\/(disk|endpoint|checksums)\//,
      /^drivers\/[^/]+\.ts$/,
      /^(errors|gateway-names|sqlite-file|sqlite-lock|cannot-open|time-slices)\.ts$/,
      /^sigv4\//,
    ],
  },
  {
    from: /^drivers\/s3\//,
    may: [
      /^drivers\/(s3|checksums)\//,
      /^drivers\/[^/]+\.ts$/,
      /^(errors|circuit-breaker|gateway-names)\.ts$/,
      /^sigv4\//,
    ],
  },
  { from: /^drivers\/proxied\//, may: [/^drivers\/(endpoint\/|(driver|peers)\.ts$)/] },
  { from: /^drivers\/endpoint\//, may: [/^drivers\/(endpoint\/|[^/]+\.ts$)/, /^errors\.ts$/, /^sigv4\//] },
  { from: /^drivers\/checksums\//, may: [/^drivers\/(checksums\/|driver\.ts$)/, /^errors\.ts$/] },
  { from: /^backup\//, may: [/^backup\//, /^drivers\/disk\//, /^(errors|cannot-open|lock-files|sqlite-file)\.ts$/] },
  {
    from: /^catalog\//,
    may: [/^catalog\//, /^drivers\/driver\.ts$/, /^(errors|circuit-breaker|sqlite-file|cannot-open)\.ts$/],
  },
  {
    from: /^service\//,
    may: [
      /^service\//,
      /^drivers\/(driver|registration|registry)\.ts$/,
      /^catalog\/catalog\.ts$/,
      /^(active-type|errors|gateway-names|log|media-type)\.ts$/,
      /^config\/config\.ts$/,
    ],
  },
  {
    from: /^api\//,
    may: [
      /^api\//,
      /^explain\//,
      /^service\//,
      /^http\//,
      /^drivers\/driver\.ts$/,
      /^catalog\/(catalog|record-json)\.ts$/,
      /^(errors|log|gateway-names)\.ts$/,
      /^config\/(config|schema)\.ts$/,
    ],
  },
  {
    from: /^s3\//,
    may: [
      /^s3\//,
      /^explain\//,
      /^sigv4\//,
      /^http\//,
      /^drivers\/(driver\.ts$|checksums\/)/,
      /^(errors|log|media-type|time-slices)\.ts$/,
      /^config\/config\.ts$/,
    ],
  },
  {
    from: /^cluster\//,
    may: [
      /^cluster\//,
      /^drivers\/(peers|registry)\.ts$/,
      /^http\/request-log\.ts$/,
      /^catalog\/catalog\.ts$/,
      /^errors\.ts$/,
      /^config\/(config|serves-objects)\.ts$/,
    ],
  },
  {
    from: /^metrics\//,
    may: [
      /^metrics\//,
      /^gateway-names\.ts$/,
      /^http\/request-event\.ts$/,
      /^service\/stores\/stores\.ts$/,
      /^drivers\/(driver|peers|registry)\.ts$/,
      /^catalog\/catalog\.ts$/,
      /^config\/config\.ts$/,
    ],
  },
  {
    from: /^migrate\//,
    may: [
      /^(migrate|service)\//,
      /^drivers\/(driver\.ts$|checksums\/)/,
      /^catalog\/catalog\.ts$/,
      /^errors\.ts$/,
      /^config\/config\.ts$/,
    ],
  },
  { from: /^http\//, may: [/^http\//, /^(errors|log|cannot-open)\.ts$/, /^config\/config\.ts$/] },
  {
    from: /^webhooks\//,
    may: [/^webhooks\//, /^service\/maintenance\/lease\.ts$/, /^catalog\/catalog\.ts$/, /^config\/config\.ts$/],
  },
  { from: /^client\//, may: [/^client\//] },
  { from: /^react\//, may: [/^(client|react)\//] },
  { from: /^console\//, may: [/^(console|client|react)\//, /^api\/contract\.ts$/] },
  {
    from: /^doctor\//,
    may: [
      /^(doctor|explain|sigv4)\//,
      /^catalog\/catalog\.ts$/,
      /^(errors|cannot-open|sqlite-file|user-name)\.ts$/,
      /^http\/instance-proof\.ts$/,
    ],
  },
  { from: /^testing\//, may: [/./] },
  { from: /^cli\//, may: [/./] },
]

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name)
    return entry.isDirectory() ? sources(path) : /\.tsx?$/.test(entry.name) ? [path] : []
  })
}

const named = (path: string): string => relative(src, path).split(sep).join('/')

/** Every module a file names, statically or by `import()`. */
function imports(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\1/g)
  return [...found].map((match) => match[2]!)
}

function violations(file: string, specifiers: string[]): string[] {
  const name = named(file)
  const rule = rules.find((r) => r.from.test(name))
  if (!rule) return [`${name}: lies in no layer that the rules know`]
  return specifiers
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => named(join(dirname(file), specifier)))
    .filter((target) => !rule.may.some((allowed) => allowed.test(target)))
    .map((target) => `${name} imports ${target}`)
}

describe('allowed imports', () => {
  const files = sources(src)

  it('finds the sources', () => {
    expect(files.length).toBeGreaterThan(50)
  })

  it('holds for every file', () => {
    expect(files.flatMap((file) => violations(file, imports(file)))).toEqual([])
  })

  it('keeps the use cases in one folder per subject', () => {
    const subjects =
      /^service\/(uploads|multipart|content-type|downloads|files|stores|maintenance)\/|^service\/deps\.ts$/
    const services = files.map(named).filter((name) => name.startsWith('service/'))
    expect(services.filter((name) => !subjects.test(name))).toEqual([])
  })

  it('would notice a service that reaches into a driver', () => {
    const file = join(src, 'service/uploads/begin-upload.ts')
    expect(violations(file, ['../../drivers/disk/disk-driver.ts', '../../s3/app.ts'])).toHaveLength(2)
  })

  it('keeps the AWS SDK out of everything but the s3 driver, and there behind import()', () => {
    const eager = files.filter((file) => /^import (?!type\b)[^'"]*from '@aws-sdk\//m.test(readFileSync(file, 'utf8')))
    expect(eager.map(named)).toEqual([])
    const users = files.filter((file) => imports(file).some((specifier) => specifier.startsWith('@aws-sdk/')))
    expect(users.map(named).filter((name) => !name.startsWith('drivers/s3/'))).toEqual([])
  })

  it('reads the environment in config/ and the command line alone', () => {
    const readers = files.filter((file) => /\bprocess\.env\b/.test(readFileSync(file, 'utf8')))
    expect(readers.map(named).filter((name) => !/^(config|cli)\//.test(name))).toEqual([])
  })

  it('has no circle of imports, of types neither', () => {
    const open = new Set<string>()
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]): string[] | null => {
      if (open.has(file)) return [...path.slice(path.indexOf(file)), file]
      if (done.has(file)) return null
      open.add(file)
      for (const specifier of imports(file)) {
        const target = join(dirname(file), specifier)
        const circle = specifier.startsWith('.') && files.includes(target) ? visit(target, [...path, file]) : null
        if (circle) return circle
      }
      open.delete(file)
      done.add(file)
      return null
    }
    for (const file of files) expect(visit(file, [])?.map(named) ?? []).toEqual([])
  })

  it('derives the path of a blob in its layout alone', () => {
    const spelled = files.filter((file) => /slice\(2, 4\)|\bobjects['`], id/.test(readFileSync(file, 'utf8')))
    expect(spelled.map(named)).toEqual(['drivers/disk/blob-layout.ts'])
  })

  it('names no driver outside its folder and the list of drivers', () => {
    // The archive of a backup holds the files of a store on disk.
    const mayImport = /^(drivers\/(disk|s3|registry\.ts)|backup\/)/
    const importers = files.filter((file) => imports(file).some((at) => /drivers\/(disk|s3)\//.test(at)))
    expect(importers.map(named).filter((name) => !mayImport.test(name))).toEqual([])
    const naming = files.flatMap((file) => {
      const name = named(file)
      // `storage.disk.path` is also the folder of secrets and catalog, whatever driver is in use.
      if (/^drivers\/(disk|s3)\/|^config\/state-folder\.ts$/.test(name)) return []
      return placesNaming(readFileSync(file, 'utf8')).map((line) => `${name}: ${line.trim()}`)
    })
    expect(naming).toEqual([])
  })

  it('would notice a driver by its name', () => {
    const lines = [
      "if (config.storage.driver === 's3')",
      'const { disk } = config.storage',
      'storage.s3.region',
      '["disk"]',
    ]
    expect(placesNaming(lines.join('\n'))).toEqual(lines)
    expect(placesNaming("const scope = { service: 's3' } // as 'disk'\n'set storage.s3.region'")).toEqual([])
  })
})

/** Lines of code that name a driver. The service in a SigV4 scope and the group of doctor's checks are other words. */
function placesNaming(text: string): string[] {
  const others = /service: 's3'|named === 's3'|state\['s3'\]|(group: |runChecks\()'disk'/
  return text.split('\n').filter((line) => {
    const code = line.replace(/\/\/.*$|^\s*\/?\*.*$/, '')
    const bare = code.replace(/'(?:[^'\\]|\\.)*'|"[^"]*"|`[^`]*`/g, (quoted) => (quoted.length > 6 ? "''" : quoted))
    const isNamed =
      /['"`](disk|s3)['"`]/.test(bare) || /\bstorage\.(disk|s3)\b|\{[^}]*\b(disk|s3)\b[^}]*\} = .*storage/.test(bare)
    return isNamed && !others.test(code)
  })
}
