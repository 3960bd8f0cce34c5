/** The few parts that everything else is made of. */
import { useLayoutEffect, useRef } from 'react'
import type { MouseEvent, ReactNode, Ref } from 'react'
import { displayName, splitName } from '../format.ts'
import { Icon } from './icons.tsx'
import type { IconName } from './icons.tsx'

type IconButtonProps = { icon: IconName; label: string; onClick: () => void; className?: string; expanded?: boolean }

export const IconButton = ({ icon, label, onClick, className = '', expanded }: IconButtonProps) => (
  <button
    type="button"
    className={`icon-button ${className}`}
    aria-label={label}
    aria-expanded={expanded}
    title={label}
    onClick={onClick}
  >
    <Icon name={icon} />
  </button>
)

/** A filename of any length and direction on one line; the whole of it is the title. */
export function FileName({ name }: { name: string }) {
  const { head, tail } = splitName(name)
  return (
    <bdi className="file-name" dir="auto" title={displayName(name)}>
      <span className="file-name-head">{head}</span>
      {tail && <span className="file-name-tail">{tail}</span>}
    </bdi>
  )
}

/** `fraction` 0 to 1; null runs without telling how far. */
export function Bar({ fraction, label, tone = 'accent' }: { fraction: number | null; label: string; tone?: string }) {
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
      <div className={`bar-fill ${tone}${now === undefined ? ' unknown' : ''}`} style={{ width: `${now ?? 100}%` }} />
    </div>
  )
}

type DialogProps = { label: string; className: string; onClose: () => void; children: ReactNode }

/** Modal: keeps the focus inside, closes by Escape and by a click beside it, gives the focus back. */
export function Dialog({ label, className, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  // Before the element goes: a dialog that is removed while it is open takes the focus with it.
  useLayoutEffect(() => {
    const dialog = ref.current
    if (dialog && !dialog.open) dialog.showModal()
    return () => dialog?.close()
  }, [])
  const closeBeside = (e: MouseEvent): void => {
    if (e.target === ref.current) onClose()
  }
  return (
    <dialog
      ref={ref as Ref<HTMLDialogElement>}
      aria-label={label}
      className={className}
      onCancel={onClose}
      onClick={closeBeside}
    >
      <div className="dialog-body">{children}</div>
    </dialog>
  )
}

export const DialogHead = ({ children, onClose }: { children: ReactNode; onClose: () => void }) => (
  <header className="dialog-head">
    <h2>{children}</h2>
    <IconButton icon="close" label="Close" onClick={onClose} />
  </header>
)

/** A state of the page that is not the list: what happened, why, what to do. */
export const Notice = (p: { icon: IconName; title: string; children: ReactNode; tone?: 'bad' }) => (
  <section className={`notice ${p.tone ?? ''}`} role={p.tone === 'bad' ? 'alert' : undefined}>
    <Icon name={p.icon} />
    <h2>{p.title}</h2>
    {p.children}
  </section>
)
