/** Code to copy. Wide lines scroll inside the box, so it must be reachable by keyboard. */
export const CodeBox = ({ title, code }: { readonly title: string; readonly code: string }) => (
  <section class="code-box" tabindex={0} aria-label={title}>
    <pre>
      <code>{code}</code>
    </pre>
  </section>
)
