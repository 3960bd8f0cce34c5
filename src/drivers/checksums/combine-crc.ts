/**
 * Computes the CRC of joined parts from the CRCs of the parts, without their bytes. Appending n bytes to a message
 * multiplies its CRC polynomial by x^(8n). The conditioning of the three CRCs here cancels out of the sum.
 */
export type CrcAlgorithm = 'crc32' | 'crc32c' | 'crc64nvme'

/** Reflected polynomials. */
const fields: Record<CrcAlgorithm, { width: bigint; polynomial: bigint }> = {
  crc32: { width: 32n, polynomial: 0xedb88320n },
  crc32c: { width: 32n, polynomial: 0x82f63b78n },
  crc64nvme: { width: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
}

/**
 * Combines in the given order. Parts of equal length share their power of x, so ten thousand parts take milliseconds.
 */
export function combineCrcs(algorithm: CrcAlgorithm, parts: Iterable<{ crc: bigint; length: number }>): bigint {
  const powers = new Map<number, bigint>()
  let combined = 0n
  for (const { crc, length } of parts) {
    let power = powers.get(length)
    if (power === undefined) powers.set(length, (power = powerOfX(algorithm, 8n * BigInt(length))))
    combined = multiply(algorithm, power, combined) ^ crc
  }
  return combined
}

/** x^n modulo the polynomial. The bit order is reflected: the highest bit is x^0. */
function powerOfX(algorithm: CrcAlgorithm, n: bigint): bigint {
  const one = 1n << (fields[algorithm].width - 1n)
  let result = one
  let square = one >> 1n
  for (let left = n; left > 0n; left >>= 1n) {
    if (left & 1n) result = multiply(algorithm, square, result)
    square = multiply(algorithm, square, square)
  }
  return result
}

function multiply(algorithm: CrcAlgorithm, a: bigint, b: bigint): bigint {
  const { width, polynomial } = fields[algorithm]
  let product = 0n
  let shifted = b
  for (let bit = 1n << (width - 1n); bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n
  }
  return product
}
