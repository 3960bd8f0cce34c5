'use client'
import { useState } from 'react'
import { ask } from './ask.js'

export function Upload() {
  const [files, setFiles] = useState([])
  const [message, setMessage] = useState('')

  async function upload(form) {
    const file = form.get('file')
    try {
      const { id, uploadUrl, headers } = await ask('/api/upload-url', {
        filename: file.name,
        mimeType: file.type,
        size: file.size,
      })
      // Send the bytes straight to storage.
      const sent = await fetch(uploadUrl, { method: 'PUT', headers, body: file })
      if (!sent.ok) throw new Error(await sent.text())
      const record = await ask('/api/confirm', { id })
      setFiles((before) => [record, ...before])
      setMessage(`${record.filename} is uploaded.`)
    } catch (error) {
      setMessage(error.message)
    }
  }

  return (
    <>
      <form action={upload}>
        <label>
          File <input type="file" name="file" required />
        </label>
        <button>Upload</button>
      </form>
      <p role="status">{message}</p>
      <ul aria-label="Uploaded">
        {files.map(({ id, filename }) => (
          <li key={id}>
            <a href={`/files/${id}`}>{filename}</a>
          </li>
        ))}
      </ul>
    </>
  )
}
