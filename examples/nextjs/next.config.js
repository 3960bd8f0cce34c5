/** @type {import('next').NextConfig} */
export default {
  // This folder is an application of its own, whatever lies above it.
  turbopack: { root: import.meta.dirname },
  outputFileTracingRoot: import.meta.dirname,
}
