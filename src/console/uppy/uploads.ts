/** One row per file: Uppy's progress, then the server's record. */

export type Row = {
  progress(bytes: number): void
  parts(done: number): void
  say(words: string): void
  stored(o: { url: string; words: string }): void
  failed(why: string): void
  /** Has no effect on finished uploads. */
  cancel(): void
}

export function addRow(list: HTMLElement, o: { name: string; size: number; major: number }): Row {
  const element = <K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = '') => {
    const made = document.createElement(tag)
    made.className = className
    made.textContent = text
    return made
  }
  const row = list.insertBefore(element('li', 'upload'), list.firstChild)
  const name = element('span', 'name', o.name)
  name.dir = 'auto'
  const state = element('span', 'state', 'waiting')
  const bar = element('progress', 'bar')
  bar.max = Math.max(1, o.size)
  bar.value = 0
  bar.setAttribute('aria-label', `Upload of ${o.name}`)
  row.append(name, element('span', 'major', `Uppy ${o.major}`), bar, state)

  let sent = 0
  let parts = 0
  let hasEnded = false
  const end = (className: string, words: string): void => {
    hasEnded = true
    bar.remove()
    row.classList.add(className)
    state.textContent = words
  }
  const tell = (): void => {
    if (hasEnded) return
    const share = o.size === 0 ? 100 : Math.floor((sent / o.size) * 100)
    state.textContent = `uploading, ${share}%${parts > 0 ? `, ${parts} ${parts === 1 ? 'part' : 'parts'} done` : ''}`
  }
  return {
    progress(bytes) {
      sent = Math.max(sent, bytes)
      bar.value = sent
      tell()
    },
    parts(done) {
      parts = done
      tell()
    },
    say: (words) => void (state.textContent = words),
    stored({ url, words }) {
      const link = element('a', 'name', o.name)
      link.dir = 'auto'
      link.href = url
      link.target = '_blank'
      link.rel = 'noreferrer'
      name.replaceWith(link)
      end('good', words)
    },
    failed: (why) => end('bad', why),
    cancel() {
      if (!hasEnded) end('canceled', 'canceled')
    },
  }
}
