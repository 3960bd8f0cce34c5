/**
 * CRC-64/NVME (NVM Express base specification, 64-bit CRC), eight bytes per step. The register is two 32-bit halves,
 * because BigInt arithmetic for each byte would be a hundred times slower.
 */

const polynomialHigh = 0x9a6c9329
const polynomialLow = 0xac4bc9b5

const low = new Int32Array(8 * 256)
const high = new Int32Array(8 * 256)
fillTables()

function fillTables(): void {
  for (let byte = 0; byte < 256; byte++) {
    let lo = byte
    let hi = 0
    for (let bit = 0; bit < 8; bit++) {
      const carry = lo & 1
      lo = (lo >>> 1) | (hi << 31)
      hi >>>= 1
      if (carry) {
        lo ^= polynomialLow
        hi ^= polynomialHigh
      }
    }
    low[byte] = lo
    high[byte] = hi
  }
  for (let i = 256; i < low.length; i++) {
    const lo = low[i - 256]!
    const hi = high[i - 256]!
    low[i] = low[lo & 0xff]! ^ ((lo >>> 8) | (hi << 24))
    high[i] = high[lo & 0xff]! ^ (hi >>> 8)
  }
}

/** `value` is the CRC of the preceding bytes, 0n if there are none. */
export function crc64nvme(data: Uint8Array, value = 0n): bigint {
  let lo = ~Number(value & 0xffffffffn)
  let hi = ~Number(value >> 32n)
  let i = 0
  for (const end = data.length - 7; i < end; i += 8) {
    lo ^= data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    hi ^= data[i + 4]! | (data[i + 5]! << 8) | (data[i + 6]! << 16) | (data[i + 7]! << 24)
    const a = 1792 + (lo & 0xff)
    const b = 1536 + ((lo >>> 8) & 0xff)
    const c = 1280 + ((lo >>> 16) & 0xff)
    const d = 1024 + (lo >>> 24)
    const e = 768 + (hi & 0xff)
    const f = 512 + ((hi >>> 8) & 0xff)
    const g = 256 + ((hi >>> 16) & 0xff)
    const h = hi >>> 24
    lo = low[a]! ^ low[b]! ^ low[c]! ^ low[d]! ^ low[e]! ^ low[f]! ^ low[g]! ^ low[h]!
    hi = high[a]! ^ high[b]! ^ high[c]! ^ high[d]! ^ high[e]! ^ high[f]! ^ high[g]! ^ high[h]!
  }
  for (; i < data.length; i++) {
    const at = (lo ^ data[i]!) & 0xff
    lo = low[at]! ^ ((lo >>> 8) | (hi << 24))
    hi = high[at]! ^ (hi >>> 8)
  }
  return (BigInt(~hi >>> 0) << 32n) | BigInt(~lo >>> 0)
}
