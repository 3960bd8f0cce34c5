import { createHmac, hash, type KeyObject } from 'node:crypto'
import type { SigningScope } from './signing-key.ts'

export const algorithm = 'AWS4-HMAC-SHA256'
export const terminator = 'aws4_request'

export const formatScope = ({ date, region, service }: SigningScope): string =>
  `${date}/${region}/${service}/${terminator}`

/** `canonicalHash` is the hex SHA-256 of the canonical request. */
export const stringToSign = (amzDate: string, scope: string, canonicalHash: string): string =>
  `${algorithm}\n${amzDate}\n${scope}\n${canonicalHash}`

/** Lower-case hex, over a binary string with one character per byte, as in rawHeaders. */
export const sha256Hex = (text: string): string => hash('sha256', Buffer.from(text, 'latin1'), 'hex')

/** Like sha256Hex, for ASCII only and twice as fast. */
export const sha256HexOfAscii = (text: string): string => hash('sha256', text, 'hex')

/** Lower-case hex, over ASCII. */
export const hmacHex = (key: KeyObject, text: string): string => createHmac('sha256', key).update(text).digest('hex')
