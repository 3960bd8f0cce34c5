/** Encodes a key as the path of a URL, each segment with `encodeURIComponent`. */
export const encodeURIPath = (key: string): string => key.split('/').map(encodeURIComponent).join('/')
