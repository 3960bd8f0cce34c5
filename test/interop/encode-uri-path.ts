/** A key as the path of a URL, each segment by the platform's own encoder. */
export const encodeURIPath = (key: string): string => key.split('/').map(encodeURIComponent).join('/')
