import { useImperativeHandle, useRef } from 'react'
import type { Ref } from 'react'
import { filesOfInput } from '../dropped-files.ts'
import type { FoundFile } from '../dropped-files.ts'

/** Opens the browser's file chooser. Browsers allow this only during a click or a key press. */
export type Pickers = { files: () => void; folder: () => void }

/** Most phones cannot pick folders. */
export const picksFolders = 'webkitdirectory' in HTMLInputElement.prototype

type Props = { ref: Ref<Pickers>; onFiles: (files: FoundFile[]) => void }

export function FilePickers({ ref, onFiles }: Props) {
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  useImperativeHandle(ref, () => ({
    files: () => files.current?.click(),
    folder: () => {
      const input = picksFolders ? folder.current : files.current
      input?.click()
    },
  }))
  const input = { type: 'file', multiple: true, hidden: true } as const
  const ofFolder = { ...input, webkitdirectory: '' }
  const take = ({ target }: { target: HTMLInputElement }): void => {
    onFiles(filesOfInput(target.files))
    target.value = ''
  }
  return (
    <>
      <input {...input} ref={files} aria-label="Files to upload" onChange={take} />
      <input {...ofFolder} ref={folder} aria-label="Folder to upload" onChange={take} />
    </>
  )
}
