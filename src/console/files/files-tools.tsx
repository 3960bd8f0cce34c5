import { LayoutGrid, Rows3 } from 'lucide-react'
import { IconButton } from '../components/basics.tsx'
import { useStore } from '../store.ts'
import { newFiles } from '../uploads.ts'
import { chooseLayout } from './layout-choice.ts'
import type { Layout } from './file-list.tsx'

export const LayoutSwitch = ({ layout }: { layout: Layout }) => (
  <div className="segmented" role="group" aria-label="Show files as">
    <IconButton icon={Rows3} label="Table" pressed={layout === 'table'} onClick={() => chooseLayout('table')} />
    <IconButton icon={LayoutGrid} label="Grid" pressed={layout === 'grid'} onClick={() => chooseLayout('grid')} />
  </div>
)

/** The visibility of new uploads. */
export function Visibility() {
  const { visibility } = useStore(newFiles)
  return (
    <select
      aria-label="Who may read new files"
      value={visibility}
      onChange={(e) => newFiles.set({ visibility: e.target.value === 'public' ? 'public' : 'private' })}
    >
      <option value="private">New files: private</option>
      <option value="public">New files: public</option>
    </select>
  )
}

/** Column headings of the table. Hidden from screen readers, because each row carries the same labels. */
export const TableHead = () => (
  <div className="files-head" aria-hidden="true">
    <span>Name</span>
    <span className="file-access">Access</span>
    <span className="file-type">Type</span>
    <span className="file-size">Size</span>
    <span className="file-date">Added</span>
  </div>
)
