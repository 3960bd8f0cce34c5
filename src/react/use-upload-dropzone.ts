import { useState } from 'react'
import { type DropzoneOptions, type DropzoneState, type FileRejection, useDropzone } from 'react-dropzone'
import { type Uploads, useUpload, type UseUploadOptions } from './use-upload.ts'

export type UseUploadDropzoneOptions = UseUploadOptions &
  Pick<DropzoneOptions, 'accept' | 'minSize' | 'maxSize' | 'maxFiles' | 'multiple' | 'disabled' | 'validator'>

export type UploadDropzoneState = Uploads &
  Pick<DropzoneState, 'getRootProps' | 'getInputProps' | 'isDragActive' | 'isDragReject' | 'isFocused' | 'open'> & {
    /** Files of the last drop or choice that were refused. */
    rejections: readonly FileRejection[]
  }

/** `useUpload` plus the props that make any element a target for dropped, pasted and chosen files and folders. */
export function useUploadDropzone(o: UseUploadDropzoneOptions): UploadDropzoneState {
  const uploads = useUpload(o)
  const [rejections, setRejections] = useState<readonly FileRejection[]>([])
  const { accept, minSize, maxSize, maxFiles, multiple, disabled, validator } = o
  const limits = { accept, minSize, maxSize, maxFiles, multiple, disabled, validator }
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
  const dropzone = useDropzone({
    ...given,
    onDrop(files: File[], rejected: FileRejection[]) {
      setRejections(rejected)
      if (files.length > 0) uploads.add(files)
    },
  })
  const { getRootProps, getInputProps, isDragActive, isDragReject, isFocused, open } = dropzone
  return { ...uploads, getRootProps, getInputProps, isDragActive, isDragReject, isFocused, open, rejections }
}
