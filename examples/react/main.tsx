import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { createClient, type FileRecord, UploadDropzone, useUpload } from 'postern/react'
import 'postern/react/styles.css'
import './styles.css'

const client = createClient({ baseUrl: import.meta.env['VITE_POSTERN_URL'] ?? 'http://127.0.0.1:4000' })

function Page() {
  const [files, setFiles] = useState<FileRecord[]>([])
  const add = (file: FileRecord): void => setFiles((before) => [file, ...before])
  return (
    <main>
      <h1>Uploads in React</h1>
      <UploadDropzone client={client} onSuccess={add} restore strings={{ hint: 'Up to 100 MiB each' }} />
      <PictureOfMe onUploaded={add} />
      <h2>Uploaded</h2>
      <ul aria-label="Uploaded">
        {files.map((file) => (
          <li key={file.id}>
            <Download file={file} />
          </li>
        ))}
      </ul>
    </main>
  )
}

/** A custom user interface. `useUpload` provides the state and the actions. */
function PictureOfMe({ onUploaded }: { onUploaded: (file: FileRecord) => void }) {
  const { add, progress, isUploading, error } = useUpload({ client, onSuccess: onUploaded })
  return (
    <section>
      <label>
        Picture of me <input type="file" accept="image/*" onChange={({ target }) => add(target.files ?? [])} />
      </label>
      {isUploading && <progress aria-label="Picture of me" value={progress.percent} max={100} />}
      {error && <p role="alert">{error.message}</p>}
    </section>
  )
}

/** Download URLs expire soon, so request one when the user clicks. */
function Download({ file }: { file: FileRecord }) {
  async function open(): Promise<void> {
    const { url } = await client.getDownloadUrl(file.id, { disposition: 'attachment' })
    location.assign(url)
  }
  return <button onClick={() => void open()}>Download {file.filename}</button>
}

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
