import { SearchX } from 'lucide-react'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { flushSync } from 'react-dom'
import { copyLink, download } from '../actions.ts'
import type { FileRecord } from '../api.ts'
import { Button, Empty, ErrorNote, Skeleton, Spinner } from '../components/basics.tsx'
import { displayName, plural } from '../format.ts'
import { fileHash, filesHash, navigate, useRoute } from '../route.ts'
import { useStore } from '../store.ts'
import { deletes } from './deletes.ts'
import { Drawer } from './drawer.tsx'
import type { FileActions } from './file-actions.ts'
import { FileList } from './file-list.tsx'
import { LayoutSwitch, TableHead, Visibility } from './files-tools.tsx'
import { FirstVisit } from './first-visit.tsx'
import { layoutChoice } from './layout-choice.ts'
import { QuickLook } from './quick-look.tsx'
import { useFile, useFiles } from './records.ts'

type Props = { onUpload: () => void; onFolder: () => void; allowPublic: boolean }

export function FilesView({ onUpload, onFolder, allowPublic }: Props) {
  const { rest, query } = useRoute()
  const q = query.get('q') ?? ''
  const shownId = rest[0] ?? null
  const { layout } = useStore(layoutChoice)
  const { waiting: deleting } = useStore(deletes)
  const [looked, setLooked] = useState<FileRecord | null>(null)
  const listing = useFiles(q)
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = listing

  const pages = listing.data?.pages
  const all = useMemo(() => pages?.flatMap(({ files }) => files) ?? [], [pages])
  // Unfinished uploads appear in the dock and under Uploads. Files being deleted are hidden.
  const listed = useMemo(() => {
    const gone = new Set(deleting.map((f) => f.id))
    return all.filter((f) => f.status === 'confirmed' && !gone.has(f.id))
  }, [all, deleting])
  const unfinished = all.length === 0 ? 0 : all.filter((f) => f.status === 'pending').length
  const fresh = listed.find((f) => f.id === shownId)
  const elsewhere = useFile(shownId, fresh)
  const shown = fresh ?? elsewhere.data ?? null

  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  const actions = useMemo<FileActions>(
    () => ({
      show: (file) => navigate(fileHash(file.id, q)),
      look: setLooked,
      download: (file) => void download(file),
      copyLink: (file) => void copyLink(file),
      remove: (file) => {
        // Closing the drawer returns the focus to its row, which is about to be removed.
        flushSync(() => {
          setLooked(null)
          navigate(filesHash(q), { replace: true })
        })
        focusNeighbour(file.id)
        deletes.add(file)
      },
    }),
    [q],
  )
  const lookedAt = looked ? listed.findIndex((f) => f.id === looked.id) : -1

  return (
    <section className="page" aria-busy={listing.isPending}>
      <h1 className="visually-hidden">Files</h1>
      {listed.length > 0 && (
        <div className="files-tools">
          <p className="quiet" role="status">
            {plural(listed.length, 'file')}
            {hasNextPage && ' and more'}
            {q && ' found'}
            {unfinished > 0 && (
              <>
                {' · '}
                <a href="#/uploads">{plural(unfinished, 'upload')} unfinished</a>
              </>
            )}
          </p>
          {allowPublic && <Visibility />}
          <LayoutSwitch layout={layout} />
        </div>
      )}
      {listing.isPending ? (
        <Skeleton label="Loading files" />
      ) : listing.isError && all.length === 0 ? (
        <ErrorNote title="Could not load the files" error={listing.error} onRetry={() => void listing.refetch()} />
      ) : listed.length > 0 ? (
        <>
          {layout === 'table' && <TableHead />}
          <FileList files={listed} layout={layout} actions={actions} onEnd={onEnd} />
          {isFetchingNextPage && <Spinner label="Loading more files" />}
          {!hasNextPage && <p className="hint">Drop files or folders anywhere on this page, or paste them.</p>}
        </>
      ) : hasNextPage ? (
        <NextPage onMount={onEnd} />
      ) : q ? (
        <Empty icon={SearchX} title="Nothing found">
          <p>
            No file has <q dir="auto">{displayName(q)}</q> in its name.
          </p>
          <p className="quiet">Folder names and file contents are not searched.</p>
          <Button onClick={() => navigate(filesHash())}>Show all files</Button>
        </Empty>
      ) : (
        deleting.length === 0 && <FirstVisit onUpload={onUpload} onFolder={onFolder} />
      )}
      {shown && <Drawer key={shown.id} file={shown} actions={actions} onClose={() => navigate(filesHash(q))} />}
      {elsewhere.isError && shownId && <ErrorNote title="Could not show this file" error={elsewhere.error} />}
      {looked && (
        <QuickLook
          file={looked}
          before={listed[lookedAt - 1] ?? null}
          after={listed[lookedAt + 1] ?? null}
          onMove={setLooked}
          onShow={() => {
            setLooked(null)
            actions.show(looked)
          }}
          onClose={() => setLooked(null)}
        />
      )}
    </section>
  )
}

/** Requests the next page when a page contains no confirmed file. */
function NextPage({ onMount }: { onMount: () => void }) {
  useEffect(onMount, [onMount])
  return <Skeleton label="Loading files" />
}

/** Focuses the item that takes the place of a removed one. */
function focusNeighbour(id: string): void {
  const here = document.querySelector(`[data-id="${CSS.escape(id)}"]`)
  const next = here?.nextElementSibling ?? here?.previousElementSibling
  next?.querySelector<HTMLElement>('.file-open')?.focus()
}
