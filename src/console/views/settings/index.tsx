/** The effective configuration: each key with its value, its source and how to change it. */
import { useQuery } from '@tanstack/react-query'
import { KeyRound, Search } from 'lucide-react'
import { Fragment, useMemo, useState } from 'react'
import { ApiError, request } from '../../api.ts'
import { Badge, CopyText, Empty, ErrorNote, Skeleton } from '../../components/basics.tsx'
import { navigate, useRoute } from '../../route.ts'
import { useServerStatus } from '../../server-status.ts'
import { Filter } from '../filter.tsx'
import { howToChange, formatValue, isChanged, matches, sections, sourceInWords } from './setting.ts'
import type { Setting } from '../../../api/contract.ts'
import './settings.css'

export function SettingsView() {
  const { query } = useRoute()
  const [text, setText] = useState(query.get('q') ?? '')
  const [changedOnly, setChangedOnly] = useState(query.get('show') === 'changed')
  const { data, error, refetch } = useQuery({
    queryKey: ['settings'],
    queryFn: ({ signal }) => request<{ settings: Setting[] }>('/console/settings', { signal }),
  })
  const settings = data?.settings
  const found = useMemo(
    () => settings?.filter((setting) => matches(setting, text) && (!changedOnly || isChanged(setting))) ?? [],
    [settings, text, changedOnly],
  )
  const look = (q: string, changed: boolean): void => {
    setText(q)
    setChangedOnly(changed)
    const search = new URLSearchParams({ ...(changed ? { show: 'changed' } : {}), ...(q ? { q } : {}) }).toString()
    navigate(`#/settings${search && `?${search}`}`, { replace: true })
  }

  return (
    <section className="page settings">
      <header className="page-head">
        <h1>Settings</h1>
        <p className="quiet">Current values and their sources. Changes take effect after a restart.</p>
        {settings && (
          <div className="page-tools settings-tools">
            <Filter
              label="Filter by key, value, source or purpose"
              value={text}
              onChange={(q) => look(q, changedOnly)}
            />
            <div className="segmented" role="group" aria-label="Show">
              <button type="button" aria-pressed={!changedOnly} onClick={() => look(text, false)}>
                All
              </button>
              <button type="button" aria-pressed={changedOnly} onClick={() => look(text, true)}>
                Changed
              </button>
            </div>
          </div>
        )}
      </header>
      {settings ? <Found settings={found} /> : <Waiting error={error} onRetry={() => void refetch()} />}
    </section>
  )
}

function Waiting({ error, onRetry }: { error: Error | null; onRetry: () => void }) {
  const status = useServerStatus()
  if (!error) return <Skeleton rows={8} label="Loading the settings" />
  if (!(error instanceof ApiError) || error.status !== 403)
    return <ErrorNote title="Could not load the settings" error={error} onRetry={onRetry} />
  const line = `auth: { admins: [${JSON.stringify(status?.user ?? 'alice')}] }`
  return (
    <Empty icon={KeyRound} title="For administrators">
      <p>
        To make you an administrator, the operator of this server adds this line to <code>config/local.yaml</code> and
        restarts the server.
      </p>
      <CopyText text={line} label="line" shown={60} />
    </Empty>
  )
}

function Found({ settings }: { settings: Setting[] }) {
  if (settings.length === 0)
    return (
      <Empty icon={Search} title="No matching setting">
        <p>No key, value or purpose contains this text.</p>
      </Empty>
    )
  return (
    <table className="settings-table">
      <caption className="visually-hidden">Settings in effect</caption>
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">Value</th>
          <th scope="col">Source</th>
        </tr>
      </thead>
      {sections(settings).map(([name, rows]) => (
        <tbody key={name}>
          <tr className="settings-section">
            <th colSpan={3} scope="rowgroup">
              {name}
            </th>
          </tr>
          {rows.map((setting) => (
            <Row key={setting.key} setting={setting} />
          ))}
        </tbody>
      ))}
    </table>
  )
}

function Row({ setting }: { setting: Setting }) {
  const [open, setOpen] = useState(false)
  const { key, value, description, secret } = setting
  const words = formatValue(value)
  const details = `setting-${key.replaceAll('.', '-')}`
  return (
    <Fragment>
      <tr className="setting" data-changed={isChanged(setting)}>
        <th scope="row">
          <button
            type="button"
            className="mono"
            aria-expanded={open}
            aria-controls={open ? details : undefined}
            onClick={() => setOpen(!open)}
          >
            {key}
          </button>
        </th>
        <td data-label="Value">
          {words === null ? <span className="quiet">not set</span> : <code className="setting-value">{words}</code>}
          {secret && words !== null && words.includes('****') && <Badge>masked</Badge>}
        </td>
        <td data-label="Source" className="setting-source">
          {sourceInWords(setting)}
        </td>
      </tr>
      {open && (
        <tr className="setting-details" id={details}>
          <td colSpan={3}>
            <p>{description}</p>
            <p>
              <span className="quiet">Default </span>
              <code>{formatValue(setting.default) ?? 'not set'}</code>
            </p>
            <p>{howToChange(setting)}</p>
            <div className="setting-copies">
              <CopyText text={key} label="key" shown={48} />
              <CopyText text={setting.variable} label="variable" shown={48} />
            </div>
          </td>
        </tr>
      )}
    </Fragment>
  )
}
