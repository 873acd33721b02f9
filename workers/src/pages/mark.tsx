const Rings = () => (
  <>
    <circle cx="13" cy="12" r="8.5" fill="none" stroke="currentColor" stroke-width="3.5" />
    <circle cx="27" cy="12" r="8.5" fill="none" stroke="currentColor" stroke-width="3.5" stroke-opacity="0.55" />
  </>
)

/** Two rings that hold each other: a program, a server, and the agreement between them. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 40 24" width="40" height="24" aria-hidden="true" focusable="false">
    <Rings />
  </svg>
)

/** The same for the browser's tab, in a green that is seen on light and dark ones. */
export const Favicon = () => (
  <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -8 40 40" color="#1f9d78" aria-hidden="true">
    <Rings />
  </svg>
)
