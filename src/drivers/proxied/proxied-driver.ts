/**
 * `storage.delivery: proxied`: the objects of another driver behind our own endpoint. Its URLs are signed by us and
 * served by this process, for a bucket that browsers cannot reach; every operation goes to the store as it is.
 */
import type { Readable } from 'node:stream'
import type { Capability, ObjectRef, StorageDriver } from '../driver.ts'
import { alone, question, type Peers } from '../peers.ts'
import { createPostPresigner } from '../endpoint/post-presigner.ts'
import { createPresigner, type PresignerOptions } from '../endpoint/presigner.ts'

/** What our endpoint enforces itself, whatever the store can. */
const ours: readonly Capability[] = ['presign-post', 'signed-length', 'signed-checksum', 'revocable-reads']

const isWriting = question<string, boolean>('proxy.writing')

export function createProxiedDriver(store: StorageDriver, o: PresignerOptions & { peers?: Peers }): StorageDriver {
  const peers = o.peers ?? alone
  const writing = new Map<string, number>()

  peers.answer(isWriting, (name) => writing.has(name))

  /** Bytes pass through here, so that a write in flight is known, as on disk. */
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
    capabilities: new Set([...store.capabilities, ...ours]),
    ...createPresigner(o),
    ...createPostPresigner(o),
    // A read at the issued key would show what a late write left there; the API redirects to the sealed bytes.
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
