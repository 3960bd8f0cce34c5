import { useEffect, useEffectEvent } from 'react'

const writesText = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))

/**
 * Keyboard shortcuts of the page. Disabled while a text field has the focus or a dialog is open. Ctrl+Z or Cmd+Z
 * undoes.
 */
export function useKeys(keys: Record<string, () => void>, undo: () => void): void {
  const onKey = useEffectEvent((e: KeyboardEvent): void => {
    if (e.defaultPrevented || e.isComposing || writesText(e.target)) return
    const withControl = e.ctrlKey || e.metaKey
    if (withControl && e.key === 'z' && !e.shiftKey) return undo()
    if (withControl || e.altKey || document.querySelector('dialog[open]')) return
    const run = keys[e.key]
    if (!run) return
    e.preventDefault()
    run()
  })
  useEffect(() => {
    const listen = (e: KeyboardEvent): void => onKey(e)
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
}
