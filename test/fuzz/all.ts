import { twoUsers } from '../model/two-users.ts'
import { chunkFuzz } from './chunks.ts'
import { documentFuzz } from './documents.ts'
import { formFuzz } from './forms.ts'
import type { Fuzz } from './fuzz.ts'
import { jsonFuzz } from './json-bodies.ts'
import { keyFuzz } from './object-keys.ts'
import { rawFuzz } from './raw-bytes.ts'
import { signatureFuzz } from './signatures.ts'

/** Every kind of random bad input. Each needs a fuzz harness. */
export const everyFuzz: readonly Fuzz[] = [
  ...signatureFuzz,
  ...chunkFuzz,
  ...formFuzz,
  ...documentFuzz,
  ...jsonFuzz,
  ...keyFuzz,
  ...rawFuzz,
]

/** Those, and the model of two users. */
export const everything: readonly Fuzz[] = [...everyFuzz, twoUsers]
