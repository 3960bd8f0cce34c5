/** Live request log, newest first. A refused request opens to an explanation. */
import { Pause, Play, ScrollText, Search, Trash2 } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { Button, Empty, ErrorNote, Skeleton } from '../../components/basics.tsx'
import { plural } from '../../format.ts'
import { navigate, useRoute } from '../../route.ts'
import { useServerStatus } from '../../server-status.ts'
import { useStore } from '../../store.ts'
import { Filter } from '../filter.tsx'
import { kinds, matches, type Kind } from './entry.ts'
import { log } from './log-store.ts'
import { logStoreErrors } from './store-errors.ts'
import { Reason } from './reason.tsx'
import { RequestTable } from './request-table.tsx'
import './log.css'
import './reason.css'

const isKind = (text: string | null): text is Kind => text !== null && Object.hasOwn(kinds, text)

const hash = (id: string | null, kind: Kind, q: string): string => {
  const query = new URLSearchParams({ ...(kind === 'all' ? {} : { show: kind }), ...(q ? { q } : {}) }).toString()
  return `#/log${id === null ? '' : `/${encodeURIComponent(id)}`}${query && `?${query}`}`
}

export function LogView() {
  const { rest, query } = useRoute()
  const status = useServerStatus()
  const { entries, held, paused, connection, error, missed } = useStore(log)
  const [text, setText] = useState(query.get('q') ?? '')
  const show = query.get('show')
  const kind = isKind(show) ? show : 'all'
  const id = rest[0] ?? null

  useEffect(() => log.read(), [])
  const isDirect = status?.isDirect ?? false
  useEffect(() => (isDirect ? logStoreErrors() : undefined), [isDirect])

  const found = useMemo(() => entries.filter((entry) => matches(entry, kind, text)), [entries, kind, text])
  // Links in the server's log use the request id of the response.
  const isAsked = (entry: { id: string; requestId: string }): boolean => entry.id === id || entry.requestId === id
  const opened = id === null ? undefined : (entries.find(isAsked) ?? held.find(isAsked))
  const close = (): void => navigate(hash(null, kind, text), { replace: true })

  return (
    <section className="page wide log">
      <header className="page-head">
        <h1>Log</h1>
        <p className="quiet">
          {status?.admin ? 'Every request to this server' : 'Your requests and requests for your uploads'}
        </p>
        <Connection connection={connection} paused={paused} />
        <div className="page-tools log-tools">
          <div className="segmented" role="group" aria-label="Show">
            {(Object.keys(kinds) as Kind[]).map((k) => (
              <button
                key={k}
                type="button"
                aria-pressed={k === kind}
                onClick={() => navigate(hash(id, k, text), { replace: true })}
              >
                {kinds[k]}
              </button>
            ))}
          </div>
          <Filter
            label="Filter by method, key, code, user or request id"
            value={text}
            onChange={(q) => {
              setText(q)
              navigate(hash(id, kind, q), { replace: true })
            }}
          />
          <Button icon={paused ? Play : Pause} onClick={() => log.pause(!paused)}>
            {paused ? (held.length > 0 ? `Resume, ${held.length} new` : 'Resume') : 'Pause'}
          </Button>
          <Button icon={Trash2} className="log-clear" disabled={entries.length === 0} onClick={log.clear}>
            Clear
          </Button>
        </div>
      </header>
      {isDirect && (
        <p className="log-note">
          Clients send bytes directly to the bucket, which keeps its own log. This page shows API requests and errors
          that the bucket returned to this page.
        </p>
      )}
      {missed > 0 && <p className="log-note">{plural(missed, 'request')} occurred while this page was disconnected.</p>}
      {found.length > 0 ? (
        <RequestTable entries={found} hrefOf={(entry) => hash(entry.id, kind, text)} />
      ) : entries.length > 0 ? (
        <Empty icon={Search} title="Nothing matches">
          <p>{plural(entries.length, 'request')} in the log, none matches.</p>
        </Empty>
      ) : error && connection !== 'live' ? (
        <ErrorNote title="Could not read the log" error={error} onRetry={log.retry} />
      ) : connection === 'live' ? (
        <Empty icon={ScrollText} title="No requests yet">
          <p>Upload a file or call the API. Requests appear here as they finish.</p>
        </Empty>
      ) : (
        <Skeleton rows={6} label="Loading the log" />
      )}
      {opened && <Reason entry={opened} status={status} onClose={close} />}
      {id !== null && !opened && connection === 'live' && (
        <p className="log-note" role="status">
          This request is no longer in the log. The log keeps the last 1000 requests until the server stops.{' '}
          <button type="button" className="text-button" onClick={close}>
            Show the log
          </button>
        </p>
      )}
    </section>
  )
}

const said = { live: 'Live', connecting: 'Connecting', waiting: 'Reconnecting' } as const

function Connection({ connection, paused }: { connection: keyof typeof said; paused: boolean }) {
  const state = paused ? 'paused' : connection
  return (
    <p className="log-connection" data-state={state} role="status">
      <i aria-hidden="true" />
      {paused ? 'Paused' : said[connection]}
    </p>
  )
}
