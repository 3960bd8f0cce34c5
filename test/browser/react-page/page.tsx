/** A page of an application (/react/?api=…), bundled by Vite. */
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { createClient, UploadDropzone, useUpload } from '../../../src/react/index.ts'

const query = new URLSearchParams(location.search)
const token = query.get('token')
const client = createClient({
  baseUrl: query.get('api') ?? '',
  ...(token === null ? {} : { headers: { authorization: `Bearer ${token}` } }),
})

function ByHand() {
  const { items, add, progress, isUploading, isSuccess, isError, cancel } = useUpload({ client })
  return (
    <section aria-label="by hand">
      <input type="file" id="by-hand" multiple onChange={({ target }) => add(target.files ?? [])} />
      <output>{isUploading ? `${progress.percent}%` : isError ? 'error' : isSuccess ? 'success' : 'idle'}</output>
      <button onClick={() => cancel()}>Stop</button>
      <ol>
        {items.map((item) => (
          <li key={item.id}>
            {item.name}: {item.state}
          </li>
        ))}
      </ol>
    </section>
  )
}

function Page() {
  const [isThere, setThere] = useState(true)
  return (
    <main>
      <button onClick={() => setThere(!isThere)}>Toggle</button>
      {isThere && (
        <UploadDropzone
          client={client}
          restore
          accept={{ 'text/plain': [], 'image/png': [] }}
          strings={{ hint: 'Text and pictures' }}
        />
      )}
      {query.has('hand') && <ByHand />}
    </main>
  )
}

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)
