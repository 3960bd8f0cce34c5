import { useCallback, useEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { copyLink, copyText, download, open } from './actions.ts'
import type { FileRecord } from './api.ts'
import { Notice } from './components/basics.tsx'
import { Details } from './components/details.tsx'
import { FileList, FileListSkeleton, focusNeighbour } from './components/file-list.tsx'
import type { FileActions } from './components/file-list.tsx'
import { Icon } from './components/icons.tsx'
import { DropOverlay, Empty, KeysDialog, SignIn, ToastStack } from './components/panels.tsx'
import { CodeDialog } from './components/snippets.tsx'
import { TopBar } from './components/top-bar.tsx'
import { TransfersDock } from './components/transfers-dock.tsx'
import { displayName } from './format.ts'
import { FileStore } from './file-store.ts'
import { session, signOut } from './session.ts'
import { useStore } from './store.ts'
import { Toasts } from './toasts.ts'
import { isSettled, Transfers } from './transfers.ts'
import { useFilesFromWindow } from './use-files-from-window.ts'
import { useKeys } from './use-keys.ts'

const toasts = new Toasts()
const store = new FileStore(toasts)
const queue = new Transfers((file) => store.insert(file))

const search = (q: string): void => void store.load(q)
const addFiles = (files: File[]): void => queue.add(files)

export function App() {
  const { token, signInNeeded } = useStore(session)
  const files = useStore(store)
  const { transfers } = useStore(queue)
  const [shown, setShown] = useState<FileRecord | null>(null)
  const [panel, setPanel] = useState<'code' | 'keys' | null>(null)
  const picker = useRef<HTMLInputElement>(null)
  const searchRef = useRef<HTMLInputElement>(null)
  const pick = useCallback(() => picker.current?.click(), [])
  const dragged = useFilesFromWindow(addFiles, !signInNeeded)

  useEffect(() => {
    if (signInNeeded) store.clear()
    else void store.load('')
  }, [signInNeeded])
  useEffect(() => {
    const leave = (): void => void store.commitDeletes(true)
    addEventListener('pagehide', leave)
    return () => removeEventListener('pagehide', leave)
  }, [])
  useKeys({ u: pick, '/': () => searchRef.current?.focus(), '?': () => setPanel('keys') }, () => store.undo())

  if (signInNeeded) return <SignIn />

  // What is still on its way has its place in the dock; what is being deleted has gone from the list.
  const elsewhere = new Set([
    ...transfers.filter((t) => !isSettled(t) || t.state === 'failed').map((t) => t.fileId),
    ...files.deleting.map((f) => f.id),
  ])
  const listed = files.files.filter((f) => !elsewhere.has(f.id))
  const close = (): void => setShown(null)
  const actions: FileActions = {
    show: setShown,
    download: (file) => void download(file, toasts),
    copyLink: (file) => void copyLink(file, toasts),
    remove: (file) => {
      // The drawer gives the focus back to its row, which is about to go.
      flushSync(close)
      focusNeighbour(file.id)
      store.remove(file)
    },
  }
  return (
    <>
      <TopBar
        key={token}
        usage={files.usage}
        searchRef={searchRef}
        onSearch={search}
        onUpload={pick}
        onCode={() => setPanel('code')}
        onKeys={() => setPanel('keys')}
        onSignOut={() => {
          void store.commitDeletes()
          signOut()
        }}
      />
      <main aria-busy={files.status === 'loading'}>
        <h1 className="visually-hidden">Files</h1>
        <Listing listed={listed} actions={actions} onUpload={pick} />
      </main>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        onChange={(e) => {
          addFiles(Array.from(e.target.files ?? []))
          e.target.value = ''
        }}
      />
      <div className="below">
        <ToastStack toasts={toasts} deleting={files.deleting} onUndo={() => store.undo()} />
        <TransfersDock queue={queue} />
      </div>
      {shown && (
        <Details
          key={shown.id}
          file={shown}
          onClose={close}
          onOpen={() => void open(shown, toasts)}
          onDownload={() => actions.download(shown)}
          onCopyLink={() => actions.copyLink(shown)}
          onCopyText={(text) =>
            void copyText(text).then(
              () => toasts.say('Copied.'),
              (error: Error) => toasts.say(error.message, 'bad'),
            )
          }
          onRemove={() => actions.remove(shown)}
        />
      )}
      {panel === 'code' && <CodeDialog onClose={() => setPanel(null)} />}
      {panel === 'keys' && <KeysDialog onClose={() => setPanel(null)} />}
      {dragged !== null && <DropOverlay count={dragged} />}
    </>
  )
}

type ListingProps = { listed: FileRecord[]; actions: FileActions; onUpload: () => void }

function Listing({ listed, actions, onUpload }: ListingProps) {
  const { status, error, query, nextCursor, loadingMore, deleting } = useStore(store)
  const retry = (
    <button type="button" className="button" onClick={() => void store.load()}>
      <Icon name="retry" /> Try again
    </button>
  )
  if (status === 'loading') return <FileListSkeleton />
  if (status === 'error')
    return (
      <Notice icon="alert" tone="bad" title="The files could not be loaded">
        <p>{error?.message}</p>
        {error?.requestId && <p className="quiet mono">Request {error.requestId}</p>}
        {retry}
      </Notice>
    )
  if (listed.length === 0 && query)
    return (
      <Notice icon="search" title="Nothing found">
        <p>
          No file has <q dir="auto">{displayName(query)}</q> in its name.
        </p>
      </Notice>
    )
  if (listed.length === 0 && !nextCursor && deleting.length === 0) return <Empty onUpload={onUpload} />
  return (
    <>
      {listed.length > 0 && <FileList files={listed} actions={actions} />}
      {nextCursor ? (
        <button type="button" className="button more" disabled={loadingMore} onClick={() => void store.loadMore()}>
          {loadingMore ? 'Loading' : 'Show more'}
        </button>
      ) : (
        <p className="hint">Drop files anywhere on this page, or paste them.</p>
      )}
    </>
  )
}
