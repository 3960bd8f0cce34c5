/** The share links of a file: a form to create one, and the existing ones. */
import { ChevronDown, Info } from 'lucide-react'
import { useRef, useState } from 'react'
import type { FileRecord } from '../api.ts'
import { Spinner } from '../components/basics.tsx'
import { plural } from '../format.ts'
import { useStore } from '../store.ts'
import { useNow } from '../use-now.ts'
import { LinkForm } from './link-form.tsx'
import { LinkRow } from './link-row.tsx'
import { urlOfLink, useLinks, useNoLinks } from './records.ts'
import type { Link } from './records.ts'
import { revocations } from './revocations.ts'
import { isActive } from './describe-link.ts'

export function Links({ file }: { file: FileRecord }) {
  const noLinks = useNoLinks(file)
  const [shownId, setShownId] = useState<string | null>(null)
  return (
    <section className="links" aria-labelledby="links-title">
      <h3 id="links-title" tabIndex={-1}>
        Share links
      </h3>
      {noLinks === null ? (
        <>
          <p className="quiet">Short links with a limit on uses and time. You can revoke them.</p>
          <LinkForm file={file} onMade={(id, { withQr }) => setShownId(withQr ? id : null)} />
        </>
      ) : (
        <p className="links-none">
          <Info /> <span>{noLinks}</span>
        </p>
      )}
      <LinkList file={file} canMake={noLinks === null} shownId={shownId} onShow={setShownId} />
    </section>
  )
}

type ListProps = {
  file: FileRecord
  canMake: boolean
  shownId: string | null
  onShow: (linkId: string | null) => void
}

function LinkList({ file, canMake, shownId, onShow }: ListProps) {
  const { data, error, isPending, refetch } = useLinks(file.id)
  const { waiting } = useStore(revocations)
  const now = useNow(5000)
  const list = useRef<HTMLDivElement>(null)

  if (isPending) return canMake && <Spinner label="Loading the links" />
  if (!data)
    return (
      <p className="form-error links-error" role="alert">
        Could not load the links. {error.message}{' '}
        <button type="button" className="text-button" onClick={() => void refetch()}>
          Retry
        </button>
      </p>
    )
  const links = data.filter(({ id }) => !waiting.some((w) => w.id === id))
  const [alive, ended] = [links.filter((link) => isActive(link, now)), links.filter((link) => !isActive(link, now))]

  const revoke = (link: Link): void => {
    focusNeighbourOf(list.current, link.id)
    revocations.add({ id: link.id, fileId: file.id, filename: file.filename })
  }
  const rows = (of: readonly Link[], label: string) => (
    <ul aria-label={label}>
      {of.map((link) => (
        <LinkRow
          key={link.id}
          link={link}
          file={file}
          now={now}
          shown={link.id === shownId}
          onShow={(shown) => onShow(shown ? link.id : null)}
          onRevoke={() => revoke(link)}
        />
      ))}
    </ul>
  )
  return (
    <div className="link-lists" ref={list}>
      {alive.length > 0 && rows(alive, 'Active links')}
      {alive.some(({ id }) => urlOfLink(id) === null) && (
        <p className="quiet link-note">
          The URL of a link is shown once, on the page that created it. The server keeps no copy.
        </p>
      )}
      {links.length === 0 && canMake && <p className="quiet link-note">No links yet.</p>}
      {ended.length > 0 && (
        <details>
          <summary>
            <ChevronDown /> {plural(ended.length, 'link')} expired or used up
          </summary>
          {rows(ended, 'Expired or used up links')}
        </details>
      )}
    </div>
  )
}

/** The row is about to be removed. Focuses its neighbour, or the element above the list. */
function focusNeighbourOf(list: HTMLElement | null, linkId: string): void {
  const row = list?.querySelector(`[data-link="${CSS.escape(linkId)}"]`)
  const neighbour = row?.nextElementSibling ?? row?.previousElementSibling
  const target = neighbour?.querySelector<HTMLElement>('.link-revoke') ?? document.getElementById('links-title')
  target?.focus()
}
