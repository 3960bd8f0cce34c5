import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { copyText } from '../actions.ts'
import { serverUrl } from '../api.ts'
import { session } from '../session.ts'
import { useStore } from '../store.ts'
import { Dialog, DialogHead } from './dialog.tsx'

/** Two shell commands: the first requests an upload URL, the second sends the bytes to it. */
export const curlSnippet = (server: string, withToken: boolean): string => {
  const token = withToken ? ` \\\n  -H "authorization: Bearer $TOKEN"` : ''
  return `url=$(curl -s ${server}/files/upload-url${token} \\
  -H 'content-type: application/json' \\
  -d '{"filename":"hello.txt","mimeType":"text/plain","autoConfirm":true}' \\
  | sed 's/.*"uploadUrl":"\\([^"]*\\)".*/\\1/')

curl -f -X PUT "$url" -H 'content-type: text/plain' --data-binary 'hello'`
}

/** Kept to twelve lines so that it can be read at a glance. */
export const jsSnippet = (server: string, withToken: boolean): string => `async function upload(file) {
  const post = { method: 'POST', headers: { 'content-type': 'application/json'${withToken ? ', authorization: `Bearer ${token}`' : ''} } }
  const api = async (path, body) => {
    const reply = await fetch('${server}' + path, { ...post, body: JSON.stringify(body) })
    if (!reply.ok) throw new Error((await reply.json()).error)
    return reply.json()
  }
  const to = await api('/files/upload-url', { filename: file.name, mimeType: file.type })
  const sent = await fetch(to.uploadUrl, { method: 'PUT', headers: to.headers, body: file })
  if (!sent.ok) throw new Error(await sent.text())
  return api('/files/confirm', { key: to.key })
}`

function Snippet({ title, code }: { title: string; code: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    await copyText(code)
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return (
    <figure className="snippet">
      <figcaption>
        {title}
        <button type="button" className="text-button" onClick={() => void copy()}>
          {copied ? <Check /> : <Copy />} {copied ? 'Copied' : 'Copy'}
        </button>
        <span className="visually-hidden" role="status">
          {copied && `${title} copied`}
        </span>
      </figcaption>
      <pre tabIndex={0} aria-label={title}>
        <code>{code}</code>
      </pre>
    </figure>
  )
}

export function Snippets() {
  const { token } = useStore(session)
  return (
    <div className="snippets">
      <Snippet title="curl" code={curlSnippet(serverUrl(), token !== null)} />
      <Snippet title="JavaScript" code={jsSnippet(serverUrl(), token !== null)} />
    </div>
  )
}

export const CodeDialog = ({ onClose }: { onClose: () => void }) => (
  <Dialog label="Code for this server" className="sheet wide" onClose={onClose}>
    <DialogHead onClose={onClose}>Code for this server</DialogHead>
    <p className="quiet">
      Request a URL, send the bytes to it, then confirm. The code is the same whether files are stored on disk or in a
      bucket.
    </p>
    <Snippets />
  </Dialog>
)
