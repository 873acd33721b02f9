import { fillText } from './fill.tsx'
import type { Messages } from './messages/en.ts'

/** More would push the next program off the screen. */
const most = 8

type ScopeChipsProps = { readonly scopes: readonly string[]; readonly text: Messages['connections'] }

/** What a connection may do, in a list of connections; its own page names all of it. */
export const ScopeChips = ({ scopes, text }: ScopeChipsProps) => {
  const shown = scopes.length > most + 1 ? scopes.slice(0, most) : scopes
  return (
    <p class="chips">
      {shown.map((scope) => (
        <code class="chip">{scope}</code>
      ))}
      {shown.length < scopes.length && (
        <span class="hint">{fillText(text.more_scopes, { count: String(scopes.length - shown.length) })}</span>
      )}
    </p>
  )
}
