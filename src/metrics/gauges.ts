/** Figures that are read when somebody asks for them. */
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import type { OwnerUsage, StorageDriver } from '../drivers/driver.ts'
import { gatewayOwner } from '../gateway-names.ts'
import { describeStore } from '../service/describe-store.ts'
import type { Gauge } from './metrics.ts'
import { folderStore } from '../drivers/registry.ts'

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
      help: 'Files of all users: confirmed ones, and uploads that are pending.',
      label: 'state',
      read: async () => {
        const { files, reservedFiles } = await totals()
        return { confirmed: files, pending: reservedFiles }
      },
    },
    {
      name: 'postern_file_bytes',
      help: 'Bytes of all users: of confirmed files, and reserved for pending uploads.',
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
            help: 'Bytes in the buckets of an owner of access keys, parts of unfinished multipart uploads included.',
            label: 'owner',
            read: () => ofOwners(({ bytes, partBytes }) => bytes + partBytes),
          },
          {
            name: 'postern_owner_objects',
            help: 'Objects in the buckets of an owner of access keys; an unfinished multipart upload is one.',
            label: 'owner',
            read: () => ofOwners(({ objects, uploads }) => objects + uploads),
          },
          {
            name: 'postern_disk_free_bytes',
            help: 'What the disk of storage.disk.path has left.',
            read: async () => {
              const { freeBytes = null } = await describeStore({ config })
              if (freeBytes === null) throw new Error('the system does not tell')
              return freeBytes
            },
          },
          {
            name: 'postern_damaged_objects',
            help: 'Objects whose bytes the scrub found damaged: see `postern verify --deep`.',
            read: async () => driver.scrubStatus?.()?.damagedBlobs ?? 0,
          },
        ]
      : []),
  ]
}
