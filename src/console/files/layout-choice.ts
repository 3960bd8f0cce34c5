/** Table or grid layout, remembered in this browser. */
import { Store } from '../store.ts'
import type { Layout } from './file-list.tsx'

const storageKey = 'postern.layout'

const remembered = (): Layout => {
  try {
    return localStorage.getItem(storageKey) === 'grid' ? 'grid' : 'table'
  } catch {
    return 'table' // storage is disabled
  }
}

export const layoutChoice = new Store<{ layout: Layout }>({ layout: remembered() })

export function chooseLayout(layout: Layout): void {
  layoutChoice.set({ layout })
  try {
    localStorage.setItem(storageKey, layout)
  } catch {
    // Storage is disabled. The choice lasts until the page is closed.
  }
}
