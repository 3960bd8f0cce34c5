import { FolderUp, Upload } from 'lucide-react'
import { Button } from '../components/basics.tsx'
import { picksFolders } from '../components/file-pickers.tsx'
import { Mark } from '../components/mark.tsx'
import { Snippets } from '../components/snippets.tsx'

/** Shown when nothing is stored: how to upload by hand and from code. */
export const FirstVisit = ({ onUpload, onFolder }: { onUpload: () => void; onFolder: () => void }) => (
  <div className="empty">
    <section className="drop-target">
      <Mark />
      <h2>No files yet</h2>
      <p className="for-mouse">Drop files or folders anywhere on this page, paste them, or choose some.</p>
      <p className="for-touch">Choose photos, videos or documents from this device.</p>
      <div className="drop-choices">
        <Button icon={Upload} tone="primary" onClick={onUpload}>
          Choose files
        </Button>
        {picksFolders && (
          <Button icon={FolderUp} className="for-mouse" onClick={onFolder}>
            Choose a folder
          </Button>
        )}
      </div>
    </section>
    <section className="from-code">
      <h2>Or from code</h2>
      <p className="quiet">Request a URL, send the bytes to it, then confirm.</p>
      <Snippets />
    </section>
  </div>
)
