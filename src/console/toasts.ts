/** Short messages that disappear on their own. Errors are announced at once and stay longer. */
import { Store } from './store.ts'

export type Toast = { id: number; text: string; tone: 'plain' | 'bad' }

class Toasts extends Store<{ toasts: Toast[] }> {
  #nextId = 1

  constructor() {
    super({ toasts: [] })
  }

  say(text: string, tone: Toast['tone'] = 'plain'): void {
    const id = this.#nextId++
    this.set({ toasts: [...this.get().toasts.slice(-2), { id, text, tone }] })
    setTimeout(() => this.dismiss(id), tone === 'bad' ? 12_000 : 5000)
  }

  dismiss(id: number): void {
    this.set({ toasts: this.get().toasts.filter((t) => t.id !== id) })
  }
}

export const toasts = new Toasts()
