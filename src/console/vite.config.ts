/** Builds the console's page to dist/console, where `serveConsole` (src/api/console.ts) finds it. */
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that the page also works below a path prefix of a reverse proxy.
  base: './',
  plugins: [react()],
  build: {
    outDir: join(import.meta.dirname, '..', '..', 'dist', 'console'),
    emptyOutDir: true,
    // The page's policy is `default-src 'self'`: nothing may become a data: URL or an inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
})
