import { Plus, X } from 'lucide-react'
import { useState } from 'react'
import type { SubmitEvent } from 'react'
import { changeFile } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { Button, IconButton } from '../components/basics.tsx'
import { toasts } from '../toasts.ts'
import { replaceFile } from './records.ts'

type Entry = { id: number; name: string; value: string }
let lastId = 0
const entriesOf = (file: FileRecord): Entry[] =>
  Object.entries(file.metadata).map(([name, value]) => ({ id: ++lastId, name, value }))

/** A file's metadata, editable in place. */
export function Metadata({ file }: { file: FileRecord }) {
  const [entries, setEntries] = useState<Entry[] | null>(null)
  const [refusal, setRefusal] = useState<string | null>(null)
  const kept = Object.entries(file.metadata)
  const add = (): void => setEntries([...(entries ?? entriesOf(file)), { id: ++lastId, name: '', value: '' }])
  const set = (id: number, patch: Partial<Entry>): void =>
    setEntries((was) => was?.map((entry) => (entry.id === id ? { ...entry, ...patch } : entry)) ?? null)
  const save = async (e: SubmitEvent<HTMLFormElement>): Promise<void> => {
    e.preventDefault()
    const named = (entries ?? []).filter(({ name, value }) => name.trim() || value)
    try {
      replaceFile(
        await changeFile(file.id, { metadata: Object.fromEntries(named.map((n) => [n.name.trim(), n.value])) }),
      )
      setEntries(null)
      setRefusal(null)
      toasts.say('Metadata saved.')
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : 'Could not save the metadata.')
    }
  }
  return (
    <section className="metadata">
      <header>
        <h3>Metadata</h3>
        {entries === null && kept.length > 0 && (
          <button type="button" className="text-button" onClick={() => setEntries(entriesOf(file))}>
            Edit
          </button>
        )}
      </header>
      {entries === null ? (
        <>
          {kept.length > 0 && (
            <dl className="facts">
              {kept.map(([name, value]) => (
                <div className="fact" key={name}>
                  <dt className="mono">{name}</dt>
                  <dd dir="auto">{value}</dd>
                </div>
              ))}
            </dl>
          )}
          {kept.length === 0 && (
            <Button icon={Plus} onClick={add}>
              Add metadata
            </Button>
          )}
        </>
      ) : (
        <form onSubmit={(e) => void save(e)}>
          {entries.map((entry, i) => (
            <div className="metadata-entry" key={entry.id}>
              <input
                className="mono"
                aria-label={`Name ${i + 1}`}
                placeholder="name"
                value={entry.name}
                autoFocus={i === entries.length - 1}
                onChange={(e) => set(entry.id, { name: e.target.value })}
              />
              <input
                dir="auto"
                aria-label={`Value of ${entry.name || i + 1}`}
                placeholder="value"
                value={entry.value}
                onChange={(e) => set(entry.id, { value: e.target.value })}
              />
              <IconButton
                icon={X}
                label={`Remove ${entry.name || `entry ${i + 1}`}`}
                onClick={() => setEntries(entries.filter((other) => other !== entry))}
              />
            </div>
          ))}
          <p className="form-error" role="alert">
            {refusal}
          </p>
          <div className="form-tools">
            <Button type="submit" tone="primary">
              Save
            </Button>
            <Button onClick={() => setEntries(null)}>Cancel</Button>
            <Button icon={Plus} onClick={add}>
              Add
            </Button>
          </div>
        </form>
      )}
    </section>
  )
}
