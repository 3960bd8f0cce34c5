/** Builds the console into dist/console, which `serveConsole` (src/api/console.ts) serves. */
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that the page works below a reverse proxy's path prefix.
  base: './',
  plugins: [react()],
  build: {
    outDir: join(import.meta.dirname, '..', '..', 'dist', 'console'),
    emptyOutDir: true,
    // The page's content security policy is `default-src 'self'`, which forbids data: URLs and inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    // The API docs page bundles Swagger UI, which is one large file.
    chunkSizeWarningLimit: 2000,
    rolldownOptions: {
      // Separate pages, so that the console does not load Uppy or Swagger UI.
      input: {
        index: join(import.meta.dirname, 'index.html'),
        uppy: join(import.meta.dirname, 'uppy', 'index.html'),
        docs: join(import.meta.dirname, 'docs', 'index.html'),
      },
    },
  },
})
