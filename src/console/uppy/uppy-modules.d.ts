/** The three major versions under aliases. See test/browser/uppy. */
declare module 'uppy4' {
  export const Uppy: import('./uppy-like.ts').UppyModule['Uppy']
  export const AwsS3: object
}
declare module 'uppy5' {
  export const Uppy: import('./uppy-like.ts').UppyModule['Uppy']
  export const AwsS3: object
}
declare module 'uppy6' {
  export const Uppy: import('./uppy-like.ts').UppyModule['Uppy']
  export const AwsS3: object
}
