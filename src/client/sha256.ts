import { createSHA256 } from 'hash-wasm'

const chunkBytes = 1024 * 1024

/** Base64. Reads the blob in chunks, so that only one is in memory. */
export async function sha256Of(blob: Blob, isWanted: () => boolean): Promise<string> {
  const hash = await createSHA256().catch((cause: unknown) => {
    throw new Error('WebAssembly is not available here.', { cause })
  })
  hash.init()
  for (let at = 0; at < blob.size && isWanted(); at += chunkBytes) {
    hash.update(new Uint8Array(await blob.slice(at, at + chunkBytes).arrayBuffer()))
  }
  return btoa(String.fromCharCode(...hash.digest('binary')))
}
