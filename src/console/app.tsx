import { Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { Skeleton } from './components/basics.tsx'
import { DropOverlay } from './components/drop-overlay.tsx'
import { FilePickers } from './components/file-pickers.tsx'
import type { Pickers } from './components/file-pickers.tsx'
import { KeysDialog } from './components/keys-dialog.tsx'
import { Messages } from './components/messages.tsx'
import { SignIn } from './components/sign-in.tsx'
import { CodeDialog } from './components/snippets.tsx'
import { TopBar } from './components/top-bar.tsx'
import { ViewTabs } from './components/view-tabs.tsx'
import type { FoundFile } from './dropped-files.ts'
import { FilesView } from './files/files-view.tsx'
import { otherViews } from './other-views.ts'
import { queryClient } from './query.ts'
import { useRoute, viewNames } from './route.ts'
import { useServerStatus } from './server-status.ts'
import { session, signOut } from './session.ts'
import { useStore } from './store.ts'
import { toasts } from './toasts.ts'
import { TransfersDock } from './transfers/dock.tsx'
import { commitAll, undo } from './undo.ts'
import { addFiles, uploads } from './uploads.ts'
import { useFilesFromWindow } from './use-files-from-window.ts'
import { useKeys } from './use-keys.ts'

/** Focuses the file that Tab would reach. */
const focusFiles = (): void => document.querySelector<HTMLElement>('.file-open[tabindex="0"]')?.focus()
const add = (files: FoundFile[]): void => {
  if (files.length > 0) void addFiles(files)
  else toasts.say('The folder is empty. There is nothing to upload.')
}

export function App() {
  const { token, signInNeeded } = useStore(session)
  useEffect(() => {
    // Do not show one user's files to the next.
    if (signInNeeded) queryClient.clear()
  }, [signInNeeded])
  return signInNeeded ? <SignIn /> : <Console key={token} />
}

function Console() {
  const { view } = useRoute()
  const [panel, setPanel] = useState<'code' | 'keys' | null>(null)
  const pickers = useRef<Pickers>(null)
  const searchRef = useRef<HTMLInputElement>(null)
  const pick = useCallback(() => pickers.current?.files(), [])
  const pickFolder = useCallback(() => pickers.current?.folder(), [])
  const dragged = useFilesFromWindow(add, true)
  const limits = useServerStatus()?.limits ?? null

  useEffect(() => {
    void uploads.restore()
    const leave = (): void => void commitAll(true)
    addEventListener('pagehide', leave)
    return () => removeEventListener('pagehide', leave)
  }, [])
  useKeys(
    {
      u: pick,
      U: pickFolder,
      '/': () => searchRef.current?.focus(),
      '?': () => setPanel('keys'),
      ...(view === 'files' ? { ArrowDown: focusFiles } : {}),
    },
    undo,
  )
  useEffect(() => {
    document.title = `${viewNames[view]} · Postern`
  }, [view])
  const View = view === 'files' ? null : otherViews[view]
  return (
    <>
      <TopBar
        searchRef={searchRef}
        onUpload={pick}
        onFolder={pickFolder}
        onCode={() => setPanel('code')}
        onKeys={() => setPanel('keys')}
        onSignOut={() => {
          void commitAll()
          uploads.reset()
          signOut()
        }}
      />
      <ViewTabs />
      <main>
        {View ? (
          <Suspense fallback={<Skeleton label="Loading the view" />}>
            <View />
          </Suspense>
        ) : (
          <FilesView onUpload={pick} onFolder={pickFolder} allowPublic={limits?.allowPublic ?? false} />
        )}
      </main>
      <FilePickers ref={pickers} onFiles={add} />
      <div className="below">
        <Messages />
        <TransfersDock />
      </div>
      {panel === 'code' && <CodeDialog onClose={() => setPanel(null)} />}
      {panel === 'keys' && <KeysDialog onClose={() => setPanel(null)} />}
      {dragged !== null && <DropOverlay items={dragged} limits={limits} />}
    </>
  )
}
