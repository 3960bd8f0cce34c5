/** Metrics that are computed on each scrape. */
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { OwnerUsage, StorageDriver } from '../drivers/driver.ts'
import { gatewayOwner } from '../gateway-names.ts'
import { describeStore } from '../service/stores/stores.ts'
import { folderStore } from '../drivers/registry.ts'
import type { Gauge } from './registry.ts'

export function gaugesOf({
  catalog,
  driver,
  config,
}: {
  catalog: Catalog
  driver: StorageDriver
  config: Config
}): Gauge[] {
  const totals = () => catalog.totals()
  const ofOwners = async (count: (usage: OwnerUsage) => number) => {
    const owners = (await driver.usageOfOwners?.()) ?? []
    return Object.fromEntries(
      owners.filter(({ owner }) => owner !== gatewayOwner).map((usage) => [usage.owner, count(usage)]),
    )
  }
  return [
    {
      name: 'postern_files',
      help: 'Confirmed files and pending uploads of all users.',
      label: 'state',
      read: async () => {
        const { files, reservedFiles } = await totals()
        return { confirmed: files, pending: reservedFiles }
      },
    },
    {
      name: 'postern_file_bytes',
      help: 'Bytes of confirmed files and reserved for pending uploads, of all users.',
      label: 'state',
      read: async () => {
        const { bytes, reservedBytes } = await totals()
        return { confirmed: bytes, pending: reservedBytes }
      },
    },
    ...(folderStore(config.storage)
      ? [
          {
            name: 'postern_owner_bytes',
            help: 'Bytes in the buckets of an owner of access keys, including parts of unfinished multipart uploads.',
            label: 'owner',
            read: () => ofOwners(({ bytes, partBytes }) => bytes + partBytes),
          },
          {
            name: 'postern_owner_objects',
            help: 'Objects in the buckets of an owner of access keys. An unfinished multipart upload counts as one.',
            label: 'owner',
            read: () => ofOwners(({ objects, uploads }) => objects + uploads),
          },
          {
            name: 'postern_disk_free_bytes',
            help: 'Free bytes on the disk of storage.disk.path.',
            read: async () => {
              const { freeBytes = null } = await describeStore({ config })
              if (freeBytes === null) throw new Error('the system does not report free space')
              return freeBytes
            },
          },
          {
            name: 'postern_damaged_objects',
            help: 'Objects that the scrub found damaged. See `postern verify --deep`.',
            read: async () => driver.scrubStatus?.()?.damagedBlobs ?? 0,
          },
        ]
      : []),
  ]
}
