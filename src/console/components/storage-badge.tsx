import { Cloud, HardDrive } from 'lucide-react'
import { formatBytes, shorten } from '../format.ts'
import { useServerStatus } from '../server-status.ts'

/** Where files are stored: `disk · storage · 212 GiB free`, `s3 · my-app @ eu-west-1`. */
export function StorageBadge() {
  const status = useServerStatus()
  if (!status) return null
  const { driver, isLocal, label, freeBytes } = status
  const free = freeBytes === null ? null : `${formatBytes(freeBytes)} free`
  const whole = [driver, label, free].filter(Boolean).join(' · ')
  const Icon = isLocal ? HardDrive : Cloud
  return (
    <p className="badge storage-badge" title={`Files are stored in ${whole}`}>
      <Icon />
      <b>{driver}</b>
      <span className="badge-more">· {shorten(label, 36)}</span>
      {free && <span>· {free}</span>}
    </p>
  )
}
