import { Search } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { Ref } from 'react'
import { filesHash, navigate, useRoute } from '../route.ts'

const settleMs = 200

/** Searches while the user types. The URL holds the query. */
export function SearchBox({ inputRef }: { inputRef: Ref<HTMLInputElement> }) {
  const { view, query } = useRoute()
  const asked = view === 'files' ? (query.get('q') ?? '') : ''
  const [text, setText] = useState(asked)
  const [known, setKnown] = useState(asked)
  // A link or the back button changed the query. The user's own typing also arrives here.
  if (known !== asked) {
    setKnown(asked)
    if (text.trim() !== asked) setText(asked)
  }
  useEffect(() => {
    if (text.trim() === asked) return undefined
    const timer = setTimeout(() => navigate(filesHash(text.trim()), { replace: view === 'files' }), settleMs)
    return () => clearTimeout(timer)
  }, [text, asked, view])
  return (
    <search className="search">
      <Search />
      <input
        ref={inputRef}
        type="search"
        dir="auto"
        placeholder="Search names"
        aria-label="Search names"
        aria-keyshortcuts="/"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(e) => setText(e.target.value)}
        onKeyDown={(e) => {
          if (e.key === 'Escape') setText('')
          if (e.key === 'ArrowDown') document.querySelector<HTMLElement>('.file-open[tabindex="0"]')?.focus()
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </search>
  )
}
