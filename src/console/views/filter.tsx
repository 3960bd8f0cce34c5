/** The text field that filters a view. */
import { Search } from 'lucide-react'
import './filter.css'

type Props = { label: string; value: string; onChange: (value: string) => void }

export const Filter = ({ label, value, onChange }: Props) => (
  <label className="filter">
    <span className="visually-hidden">{label}</span>
    <Search />
    <input
      type="search"
      value={value}
      placeholder="Filter"
      spellCheck={false}
      autoComplete="off"
      onChange={(e) => onChange(e.target.value)}
    />
  </label>
)
