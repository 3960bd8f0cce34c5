/** @type {import('next').NextConfig} */
export default {
  // This folder is a separate application inside the repository.
  turbopack: { root: import.meta.dirname },
  outputFileTracingRoot: import.meta.dirname,
}
