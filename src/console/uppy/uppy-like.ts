/** The part of Uppy's API that this page uses. It is the same in versions 4, 5 and 6. */
export type Major = 4 | 5 | 6

export interface UppyFile {
  id: string
  name?: string
  size: number | null
  response?: { body?: { key?: string } }
}

export interface Uppy {
  use(plugin: object, options: object): Uppy
  on(
    event: 'upload-progress',
    listener: (file: UppyFile | undefined, progress: { bytesUploaded: number }) => void,
  ): Uppy
  on(event: 'upload-success', listener: (file: UppyFile | undefined, response: UppyFile['response']) => void): Uppy
  on(event: 'upload-error', listener: (file: UppyFile | undefined, error: Error) => void): Uppy
  on(event: 's3-multipart:part-uploaded', listener: (file: UppyFile) => void): Uppy
  addFile(file: { name: string; type: string; data: File }): string
  upload(): Promise<unknown>
  pauseAll(): void
  resumeAll(): void
  cancelAll(): void
}

export interface UppyModule {
  Uppy: new () => Uppy
  AwsS3: object
}

/** Each major version is a separate chunk, loaded when first used. */
export const load: Readonly<Record<Major, () => Promise<UppyModule>>> = {
  4: () => import('uppy4'),
  5: () => import('uppy5'),
  6: () => import('uppy6'),
}
