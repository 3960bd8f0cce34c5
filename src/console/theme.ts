/** Colour scheme. Follows the system setting unless the user chose one. */
import { Store } from './store.ts'

export type Theme = 'system' | 'light' | 'dark'
const storageKey = 'postern.theme'
const order: readonly Theme[] = ['system', 'light', 'dark']

const remembered = (): Theme => {
  try {
    return order.find((t) => t === localStorage.getItem(storageKey)) ?? 'system'
  } catch {
    return 'system' // storage is disabled
  }
}

export const theme = new Store<{ theme: Theme }>({ theme: remembered() })

export function applyTheme(): void {
  const chosen = theme.get().theme
  if (chosen === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
}

export function nextTheme(): void {
  const chosen = order[(order.indexOf(theme.get().theme) + 1) % order.length] ?? 'system'
  theme.set({ theme: chosen })
  applyTheme()
  try {
    localStorage.setItem(storageKey, chosen)
  } catch {
    // Storage is disabled. The choice lasts until the page is closed.
  }
}
