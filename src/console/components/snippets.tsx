import { useState } from 'react'
import { copyText } from '../actions.ts'
import { serverUrl } from '../api.ts'
import { session } from '../session.ts'
import { useStore } from '../store.ts'
import { Dialog, DialogHead } from './basics.tsx'
import { Icon } from './icons.tsx'

/** Two commands for a shell: one asks for the URL, one sends the bytes to it; a third has them verified. */
export const curlSnippet = (server: string, withToken: boolean): string => {
  const token = withToken ? ` -H "authorization: Bearer $TOKEN"` : ''
  return `echo hello > hello.txt
reply=$(curl -s ${server}/files/upload-url${token} \\
  -H 'content-type: application/json' \\
  -d '{"filename":"hello.txt","mimeType":"text/plain"}')
field() { printf %s "$reply" | sed "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/"; }

curl -fT hello.txt -H 'content-type: text/plain' "$(field uploadUrl)"

curl ${server}/files/confirm${token} \\
  -H 'content-type: application/json' -d "{\\"key\\":\\"$(field key)\\"}"`
}

export const jsSnippet = (server: string, withToken: boolean): string => `async function api(path, body) {
  const answer = await fetch('${server}' + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',${withToken ? '\n      authorization: `Bearer ${token}`,' : ''}
    },
    body: JSON.stringify(body),
  })
  const json = await answer.json()
  if (!answer.ok) throw new Error(json.error)
  return json
}

async function upload(file) {
  const about = { filename: file.name, mimeType: file.type }
  const { uploadUrl, headers, key } = await api('/files/upload-url', about)
  const sent = await fetch(uploadUrl, { method: 'PUT', headers, body: file })
  if (!sent.ok) throw new Error(await sent.text())
  return api('/files/confirm', { key })
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
          <Icon name={copied ? 'check' : 'copy'} /> {copied ? 'Copied' : 'Copy'}
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
      Ask for a URL, send the bytes straight to it, confirm. It is the same whether the files lie on a disk or in a
      bucket.
    </p>
    <Snippets />
  </Dialog>
)
