/** Nothing of the client or the components touches the browser while a server renders. */
import { createElement, StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, it } from 'vitest'
import { createClient, UploadDropzone } from '../../src/react/index.ts'

it('renders on a server', () => {
  const client = createClient({ baseUrl: 'https://files.example.com' })
  const zone = createElement(UploadDropzone, { client, restore: true, strings: { label: 'Dateien wählen' } })
  const html = renderToString(createElement(StrictMode, null, zone))
  expect(html).toContain('aria-label="Dateien wählen"')
  expect(html).toContain('type="file"')
  expect(html).toContain('role="status"')
})
