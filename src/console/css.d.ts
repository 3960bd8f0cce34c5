/** Vite extracts the imported styles from the scripts. */
declare module '*.css'
