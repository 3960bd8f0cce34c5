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
    // The API's description brings its library, which is one file.
    chunkSizeWarningLimit: 2000,
    rolldownOptions: {
      // Pages of their own, so that the console carries nothing of Uppy or of the API's description.
      input: {
        index: join(import.meta.dirname, 'index.html'),
        uppy: join(import.meta.dirname, 'uppy', 'index.html'),
        docs: join(import.meta.dirname, 'docs', 'index.html'),
      },
    },
  },
})
