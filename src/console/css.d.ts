/** Vite takes them out of the scripts that name them. */
declare module '*.css'
