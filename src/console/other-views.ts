/** The views other than Files. Each is a separate chunk, loaded when first shown. */
import { lazy } from 'react'

export const otherViews = {
  uploads: lazy(async () => ({ default: (await import('./views/uploads/index.tsx')).UploadsView })),
  log: lazy(async () => ({ default: (await import('./views/log/index.tsx')).LogView })),
  settings: lazy(async () => ({ default: (await import('./views/settings/index.tsx')).SettingsView })),
}
