export { default as AwsS3 } from '@uppy/aws-s3'
export { Uppy } from '@uppy/core'
