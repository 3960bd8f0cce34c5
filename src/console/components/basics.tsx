/** Shared building blocks. */
import { Check, Copy, RotateCw, TriangleAlert } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { copyText } from '../actions.ts'
import { ApiError } from '../api.ts'
import { displayName, shorten, splitName } from '../format.ts'

type ButtonProps = {
  icon?: LucideIcon
  tone?: 'primary' | 'danger'
  onClick?: () => void
  disabled?: boolean
  type?: 'button' | 'submit'
  keys?: string
  className?: string
  children: ReactNode
}

export const Button = ({ icon: Icon, tone, onClick, type, keys, className, children, disabled }: ButtonProps) => (
  <button
    type={type === 'submit' ? 'submit' : 'button'}
    className={['button', tone, className].filter(Boolean).join(' ')}
    aria-keyshortcuts={keys}
    disabled={disabled}
    onClick={onClick}
  >
    {Icon && <Icon />} <span>{children}</span>
  </button>
)

type IconButtonProps = {
  icon: LucideIcon
  label: string
  onClick: () => void
  tone?: 'danger'
  className?: string
  expanded?: boolean
  pressed?: boolean
  /** -1 for elements reached by arrow keys. */
  tabIndex?: number
}

export const IconButton = ({ icon: Icon, label, tone, className, expanded, pressed, ...rest }: IconButtonProps) => (
  <button
    type="button"
    className={['icon-button', tone, className].filter(Boolean).join(' ')}
    aria-label={label}
    aria-expanded={expanded}
    aria-pressed={pressed}
    title={label}
    {...rest}
  >
    <Icon />
  </button>
)

/** A filename and its folder on one line, for any length and text direction. The title holds the full name. */
export function FileName({ name, folder = '' }: { name: string; folder?: string }) {
  if (folder === '') return <PlainName name={name} title={displayName(name)} />
  return (
    <span className="file-path">
      <bdi className="file-folder">{shorten(folder, 40)}</bdi>
      <span className="quiet">/</span>
      <PlainName name={name} title={`${folder}/${displayName(name)}`} />
    </span>
  )
}

function PlainName({ name, title }: { name: string; title: string }) {
  const { head, tail } = splitName(name)
  return (
    <bdi className="file-name" dir="auto" title={title}>
      <span className="file-name-head">{head}</span>
      {tail && <span className="file-name-tail">{tail}</span>}
    </bdi>
  )
}

/** A key, id or URL, shortened in the middle. A click copies the full text. `label` names it, e.g. `key`. */
export function CopyText({ text, label, shown = 32 }: { text: string; label: string; shown?: number }) {
  const [state, setState] = useState<'rest' | 'copied' | 'failed'>('rest')
  useEffect(() => {
    if (state === 'rest') return undefined
    const timer = setTimeout(() => setState('rest'), 2000)
    return () => clearTimeout(timer)
  }, [state])
  const copy = (): void =>
    void copyText(text).then(
      () => setState('copied'),
      () => setState('failed'),
    )
  const said = state === 'copied' ? 'Copied' : state === 'failed' ? 'The browser blocked access to the clipboard' : ''
  return (
    <span className="copy-text">
      <button
        type="button"
        className="mono"
        title={text}
        aria-label={`Copy ${label} ${shorten(text, shown)}`}
        onClick={copy}
      >
        <bdi>{shorten(text, shown)}</bdi>
        {state === 'copied' ? <Check className="good" /> : <Copy />}
      </button>
      <span className={state === 'failed' ? 'copy-said' : 'visually-hidden'} role="status">
        {said}
      </span>
    </span>
  )
}

type BarProps = {
  /** 0 to 1. null shows an indeterminate bar. */
  fraction: number | null
  label: string
  tone?: string
  /** The part of `fraction` that is reserved. It is drawn with gaps. */
  reserved?: number
}

export function Bar({ fraction, label, tone = 'accent', reserved = 0 }: BarProps) {
  const now = fraction === null ? undefined : Math.round(Math.min(1, fraction) * 100)
  return (
    <div
      className="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={now}
    >
      <div className={`bar-fill ${tone}${now === undefined ? ' unknown' : ''}`} style={{ width: `${now ?? 100}%` }}>
        {fraction !== null && reserved > 0 && (
          <div className="bar-reserved" style={{ width: `${Math.min(1, reserved / fraction) * 100}%` }} />
        )}
      </div>
    </div>
  )
}

export const Badge = ({ tone, children }: { tone?: 'good' | 'warn' | 'bad' | undefined; children: ReactNode }) => (
  <span className={['badge', tone].filter(Boolean).join(' ')}>{children}</span>
)

/** Must be inside `<dl className="facts">`. */
export const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className="fact">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

/** Shown instead of content: the state and what to do next. */
export const Empty = ({ icon: Icon, title, children }: { icon: LucideIcon; title: string; children?: ReactNode }) => (
  <section className="notice">
    <Icon />
    <h2>{title}</h2>
    {children}
  </section>
)

/** What failed, why, and how to recover. */
export function ErrorNote({ title, error, onRetry }: { title: string; error: unknown; onRetry?: () => void }) {
  const words = error instanceof Error ? error.message : 'Something went wrong on this page. Reload it.'
  const requestId = error instanceof ApiError ? error.requestId : null
  return (
    <section className="notice bad" role="alert">
      <TriangleAlert />
      <h2>{title}</h2>
      <p>{words}</p>
      {requestId && (
        <p className="quiet">
          Request <span className="mono">{requestId}</span>
        </p>
      )}
      {onRetry && (
        <Button icon={RotateCw} onClick={onRetry}>
          Retry
        </Button>
      )}
    </section>
  )
}

/** Placeholder rows of the right height while content loads. */
export const Skeleton = ({ rows = 5, label }: { rows?: number; label: string }) => (
  <div className="skeleton" role="status" aria-label={label}>
    {Array.from({ length: rows }, (_, i) => (
      <div key={i} className="skeleton-row">
        <span className="skeleton-line" style={{ width: `${[62, 48, 71, 39, 55][i % 5]}%` }} />
      </div>
    ))}
  </div>
)

export const Spinner = ({ label }: { label: string }) => <span className="spinner" role="status" aria-label={label} />
