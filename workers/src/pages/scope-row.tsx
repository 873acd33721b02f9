import type { PropsWithChildren } from 'hono/jsx'

/** A scope that a person may untick, unless it is needed. */
export type ScopeChoice = { readonly name: string; readonly description: string | null; readonly required: boolean }

type ScopeRowProps = PropsWithChildren<{ readonly scope: ScopeChoice; readonly index: number }>

/** The raw value stands before the owner's text, because only the value says what the token holds; then come its tags. */
export const ScopeRow = ({ scope, index, children }: ScopeRowProps) => (
  <li class="scope">
    <input
      type="checkbox"
      id={`scope-${index}`}
      name="scope"
      value={scope.name}
      checked
      disabled={scope.required}
      aria-describedby={scope.description ? `scope-${index}-text` : undefined}
    />
    <label for={`scope-${index}`}>
      <code>{scope.name}</code> {children}
    </label>
    {scope.description && (
      <p id={`scope-${index}-text`} class="scope-text" dir="auto">
        {scope.description}
      </p>
    )}
  </li>
)
