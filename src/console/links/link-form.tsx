import { Link as LinkIcon, QrCode } from 'lucide-react'
import { useState } from 'react'
import type { SubmitEvent } from 'react'
import { copyText } from '../actions.ts'
import type { FileRecord } from '../api.ts'
import { Button } from '../components/basics.tsx'
import { formatDuration } from '../format.ts'
import { toasts } from '../toasts.ts'
import { makeLink, noteRefusal } from './records.ts'

const day = 86_400
/** Seconds. The server accepts up to ten years. */
const lifetimes = [3600, day, 7 * day, 30 * day, 365 * day]
const mostUses = 1_000_000_000

/** An empty text means no limit. */
function usesOf(text: string): number | null | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return null
  const uses = /^\d+$/.test(trimmed) ? Number(trimmed) : 0
  return uses >= 1 && uses <= mostUses ? uses : undefined
}

type Props = { file: FileRecord; onMade: (linkId: string, o: { withQr: boolean }) => void }

/** Creates a link with an expiry and a limit on uses, and copies it or shows its QR code. */
export function LinkForm({ file, onMade }: Props) {
  const [expiresIn, setExpiresIn] = useState<number | null>(7 * day)
  const [uses, setUses] = useState('')
  const [busy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<string | null>(null)
  /** The confirmation for screen readers. Sighted users see the code. */
  const [said, setSaid] = useState('')

  const make = async (withQr: boolean): Promise<void> => {
    if (busy) return
    const maxUses = usesOf(uses)
    if (maxUses === undefined)
      return setRefusal('Uses must be a whole number of at least 1. Leave it empty for no limit.')
    setBusy(true)
    setRefusal(null)
    const making = makeLink(file.id, { expiresIn, maxUses })
    try {
      // Request the clipboard at once. Later, browsers no longer attribute the request to the click.
      const copied = withQr ? null : copyText(making.then(({ url }) => url)).catch(() => 'refused' as const)
      const { id } = await making
      onMade(id, { withQr })
      setSaid(withQr ? 'Link created. Its QR code is shown below.' : '')
      if (withQr) return
      if ((await copied) === 'refused')
        toasts.say('Link created. The browser blocked access to the clipboard, so copy it here.')
      else toasts.say('Link created and copied.')
    } catch (error) {
      noteRefusal(file.id, error)
      setRefusal(error instanceof Error ? error.message : 'Could not create the link.')
    } finally {
      setBusy(false)
    }
  }
  const submit = (e: SubmitEvent<HTMLFormElement>): void => {
    e.preventDefault()
    void make(false)
  }
  return (
    <form className="link-form" onSubmit={submit} noValidate>
      <label>
        <span>Expires after</span>
        <select
          value={expiresIn ?? ''}
          onChange={(e) => setExpiresIn(e.target.value === '' ? null : Number(e.target.value))}
        >
          {lifetimes.map((seconds) => (
            <option key={seconds} value={seconds}>
              {formatDuration(seconds)}
            </option>
          ))}
          <option value="">never</option>
        </select>
      </label>
      <label>
        <span>Uses</span>
        <input
          inputMode="numeric"
          autoComplete="off"
          placeholder="no limit"
          value={uses}
          aria-invalid={refusal !== null}
          aria-describedby="link-refusal"
          onChange={(e) => setUses(e.target.value)}
        />
      </label>
      <Button type="submit" icon={LinkIcon} disabled={busy}>
        Create and copy
      </Button>
      <Button icon={QrCode} disabled={busy} onClick={() => void make(true)}>
        Create a QR code
      </Button>
      <p id="link-refusal" className="form-error" role="alert">
        {refusal}
      </p>
      <p className="visually-hidden" role="status">
        {said}
      </p>
    </form>
  )
}
