import { Dialog, DialogHead } from './dialog.tsx'

const keys: [string, string][] = [
  ['u', 'Choose files to upload'],
  ['Shift U', 'Choose a folder'],
  ['Ctrl V', 'Upload copied files'],
  ['/', 'Search'],
  ['↑ ↓', 'Move through the list'],
  ['Enter', 'Show the file'],
  ['Space', 'Preview it'],
  ['l', 'Copy a link to it'],
  ['d', 'Download'],
  ['Delete', 'Delete'],
  ['Ctrl Z', 'Undo a delete or a revocation'],
  ['Esc', 'Close the open panel'],
  ['?', 'Show this list'],
]

export const KeysDialog = ({ onClose }: { onClose: () => void }) => (
  <Dialog label="Keys" className="sheet" onClose={onClose}>
    <DialogHead onClose={onClose}>Keyboard shortcuts</DialogHead>
    <dl className="keys">
      {keys.map(([key, does]) => (
        <div key={key}>
          <dt>
            {key.split(' ').map((k) => (
              <kbd key={k}>{k}</kbd>
            ))}
          </dt>
          <dd>{does}</dd>
        </div>
      ))}
    </dl>
  </Dialog>
)
