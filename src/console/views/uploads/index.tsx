/** Unfinished uploads: what each one is missing, and how to abort or resume it. */
import { CircleCheckBig, RotateCw } from 'lucide-react'
import { Button, Empty, ErrorNote, Skeleton } from '../../components/basics.tsx'
import { useUploads } from '../../uploads.ts'
import { useNow } from '../../use-now.ts'
import type { Pending } from './pending.ts'
import { PendingRow } from './pending-row.tsx'
import { usePending } from './records.ts'
import './uploads.css'

export function UploadsView() {
  const { pending, data, error, isPending, isFetching, hasNextPage, isFetchingNextPage, ...query } = usePending()
  return (
    <section className="page uploads-view">
      <header className="page-head">
        <h1>Uploads</h1>
        <p className="quiet">Unfinished uploads. Unconfirmed ones are deleted automatically.</p>
        <div className="page-tools">
          <Button icon={RotateCw} disabled={isFetching} onClick={() => void query.refetch()}>
            Refresh
          </Button>
        </div>
      </header>
      {isPending ? (
        <Skeleton rows={4} label="Loading the uploads" />
      ) : error && !data ? (
        <ErrorNote title="Could not load the uploads" error={error} onRetry={() => void query.refetch()} />
      ) : pending.length > 0 ? (
        <PendingList pending={pending} />
      ) : (
        <Empty icon={CircleCheckBig} title="No unfinished uploads">
          <p>Every upload is confirmed or has expired. Multipart uploads appear here while they run.</p>
        </Empty>
      )}
      {hasNextPage && (
        <Button disabled={isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {isFetchingNextPage ? 'Loading' : 'Show more'}
        </Button>
      )}
    </section>
  )
}

function PendingList({ pending }: { pending: Pending[] }) {
  // Short enough for texts like "in 40 s".
  const now = useNow(5000)
  const { items } = useUploads()
  return (
    <ul className="pending-list" aria-label="Unfinished uploads">
      {pending.map((upload) => (
        <PendingRow
          key={upload.id}
          upload={upload}
          now={now}
          item={items.find(({ fileId, state }) => fileId === upload.id && state !== 'canceled') ?? null}
        />
      ))}
    </ul>
  )
}
