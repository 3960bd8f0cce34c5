/** Names that are reserved for the gateway in every store and catalog. They are stored, so they must never change. */

/** The owner of the gateway's own access key and of its bucket. No other key may have it. */
export const gatewayOwner = 'postern'

/** Anyone may read the objects of the gateway's bucket below this prefix. */
export const publicPrefix = 'public/'
/** Keys that upload URLs of private files write to. */
export const uploadsPrefix = 'uploads/'
/** Sealed copies of private files. */
export const sealedPrefix = 'files/'
/** Every key that the gateway issues begins with one of these. */
export const issuedPrefixes = [uploadsPrefix, publicPrefix, sealedPrefix] as const
