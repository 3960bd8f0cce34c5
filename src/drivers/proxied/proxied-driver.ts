/**
 * `storage.delivery: proxied` serves the objects of another driver at the gateway's objects endpoint, for a bucket that
 * browsers cannot reach. The gateway signs the URLs. All other operations go to the store unchanged.
 */
import type { Readable } from 'node:stream'
import type { Capability, ObjectRef, StorageDriver } from '../driver.ts'
import { alone, question, type Peers } from '../peers.ts'
import { createPostPresigner } from '../endpoint/post-presigner.ts'
import { createPresigner, type PresignerOptions } from '../endpoint/presigner.ts'

/** Enforced by the objects endpoint, independent of the store. */
const enforcedHere: readonly Capability[] = ['presign-post', 'signed-length', 'signed-checksum', 'revocable-reads']

const isWriting = question<string, boolean>('proxy.writing')

export function createProxiedDriver(store: StorageDriver, o: PresignerOptions & { peers?: Peers }): StorageDriver {
  const peers = o.peers ?? alone
  const writing = new Map<string, number>()

  peers.answer(isWriting, (name) => writing.has(name))

  /** Writes pass through this process, so it knows which are in flight, as the disk driver does. */
  async function during<T>({ bucket, key }: ObjectRef, write: () => Promise<T>): Promise<T> {
    const name = `${bucket}/${key}`
    writing.set(name, (writing.get(name) ?? 0) + 1)
    try {
      return await write()
    } finally {
      const left = (writing.get(name) ?? 1) - 1
      if (left === 0) writing.delete(name)
      else writing.set(name, left)
    }
  }

  return {
    ...store,
    capabilities: new Set([...store.capabilities, ...enforcedHere]),
    ...createPresigner(o),
    ...createPostPresigner(o),
    // The API redirects public reads to the sealed bytes. The issued key could contain a later write.
    publicUrl: (ref) => store.publicUrl(ref),
    putObject: (ref, body: Readable, options) => during(ref, () => store.putObject(ref, body, options)),
    uploadPart: (ref, uploadId, partNumber, body, options) =>
      during(ref, () => store.uploadPart(ref, uploadId, partNumber, body, options)),
    isBeingWritten({ bucket, key }) {
      const name = `${bucket}/${key}`
      if (writing.has(name) || peers.count === 1) return writing.has(name)
      return peers.ask(isWriting, name).then((answers) => answers.includes(true))
    },
  }
}
