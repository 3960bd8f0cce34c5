import { useEffect, useRef, useState } from 'react'
import type { UploadsSnapshot } from '../../react/upload-list.ts'
import { displayName, plural } from '../format.ts'
import { headline, isBusy } from './describe-transfer.ts'

/** With more uploads than this, names are left out. */
const named = 2

/** Announces to screen readers what the dock shows: start, each quarter and end politely, failures at once. */
export function Announcer({ snapshot }: { snapshot: UploadsSnapshot }) {
  const { items, progress } = snapshot
  const announced = useRef(new Set<string>())
  const [urgent, setUrgent] = useState('')
  const quarter = Math.floor(progress.percent / 25) * 25
  const busy = items.filter(isBusy).length
  const ended = items.length > 0 && busy === 0
  const polite = busy > 0 ? `Uploading ${plural(busy, 'file')}` : ''

  useEffect(() => {
    const failed = items.filter(({ id, state }) => state === 'error' && !announced.current.has(id))
    // An upload that is retried may fail again.
    announced.current = new Set(items.filter(({ state }) => state === 'error').map(({ id }) => id))
    if (failed.length === 0) return
    const words = failed.slice(0, named).map(({ name, error }) => `${displayName(name)}: ${error?.message ?? ''}`)
    const more = failed.length > named ? [`${failed.length - named} more failed.`] : []
    setUrgent([...words, ...more].join(' '))
  }, [items])

  return (
    <>
      <p className="visually-hidden" role="status">
        {ended ? headline(snapshot) : polite && quarter > 0 ? `${polite}, ${quarter} percent` : polite}
      </p>
      <p className="visually-hidden" role="alert">
        {urgent}
      </p>
    </>
  )
}
