/** The logo: an arched side gate with its door ajar. */
export const Mark = () => (
  <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path className="mark-arch" d="M6.5 27V14.5a9.5 9.5 0 0 1 19 0V27" />
    <path className="mark-door" d="M11.5 27V15.2a4.5 4.5 0 0 1 9 0V27l-5.8-2.6V12.3" />
    <path className="mark-arch" d="M3.5 27h25" />
  </svg>
)
