/** `npm run docs:security`: writes the tables of docs/security.md anew. */
import { writeFileSync } from 'node:fs'
import { pageFile, renderPage } from '../test/security/page.ts'

writeFileSync(pageFile, renderPage())
