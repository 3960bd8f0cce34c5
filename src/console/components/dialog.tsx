import { X } from 'lucide-react'
import { useLayoutEffect, useRef } from 'react'
import type { MouseEvent, ReactNode } from 'react'
import { Store } from '../store.ts'
import { IconButton } from './basics.tsx'

/** What is open, the topmost last. All else on the page is out of reach meanwhile, messages included. */
export const openDialogs = new Store<{ dialogs: readonly HTMLDialogElement[] }>({ dialogs: [] })

type DialogProps = { label: string; className: string; onClose: () => void; children: ReactNode }

/** Modal: keeps the focus inside, closes by Escape and by a click beside it, gives the focus back. */
export function Dialog({ label, className, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  // Before the element goes: a dialog that is removed while it is open takes the focus with it.
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
  const closeBeside = (e: MouseEvent): void => {
    if (e.target === ref.current) onClose()
  }
  return (
    <dialog
      ref={ref}
      aria-label={label}
      className={className}
      onCancel={(e) => {
        // A file chooser that is closed tells its input the same.
        if (e.target !== ref.current) return
        e.preventDefault()
        onClose()
      }}
      onClick={closeBeside}
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
