import { X } from 'lucide-react'
import { useLayoutEffect, useRef } from 'react'
import type { MouseEvent, ReactNode } from 'react'
import { Store } from '../store.ts'
import { IconButton } from './basics.tsx'

/** The open dialogs, topmost last. While one is open, the rest of the page, including messages, is inert. */
export const openDialogs = new Store<{ dialogs: readonly HTMLDialogElement[] }>({ dialogs: [] })

type DialogProps = { label: string; className: string; onClose: () => void; children: ReactNode }

/** A modal dialog. Traps focus, closes on Escape and on a click outside it, and restores focus when it closes. */
export function Dialog({ label, className, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  // Close before the element is removed. Removing an open dialog would lose the focus.
  useLayoutEffect(() => {
    const dialog = ref.current
    if (!dialog) return undefined
    if (!dialog.open) dialog.showModal()
    openDialogs.set({ dialogs: [...openDialogs.get().dialogs, dialog] })
    return () => {
      openDialogs.set({ dialogs: openDialogs.get().dialogs.filter((d) => d !== dialog) })
      dialog.close()
    }
  }, [])
  const closeOnBackdrop = (e: MouseEvent): void => {
    if (e.target === ref.current) onClose()
  }
  return (
    <dialog
      ref={ref}
      aria-label={label}
      className={className}
      onCancel={(e) => {
        // Closing a file chooser also fires this event, on its input.
        if (e.target !== ref.current) return
        e.preventDefault()
        onClose()
      }}
      onClick={closeOnBackdrop}
    >
      <div className="dialog-body">{children}</div>
    </dialog>
  )
}

export const DialogHead = ({ children, onClose }: { children: ReactNode; onClose: () => void }) => (
  <header className="dialog-head">
    <h2>{children}</h2>
    <IconButton icon={X} label="Close" onClick={onClose} />
  </header>
)
