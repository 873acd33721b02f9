import { messages } from './messages.ts'

export type ScopeView = {
  readonly name: string
  readonly description: string | null
  readonly required: boolean
  readonly isNew: boolean
}

const text = messages.consent

const Tags = ({ scope }: { scope: ScopeView }) => (
  <>
    {scope.isNew && <span class="tag fresh">{text.scope_new}</span>}
    {scope.required && <span class="tag">{text.scope_required}</span>}
  </>
)

/** The raw value stands before the owner's text, because only the value says what the token will hold. */
const ScopeRow = ({ scope, index }: { scope: ScopeView; index: number }) => (
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
      <code>{scope.name}</code> <Tags scope={scope} />
    </label>
    {scope.description && (
      <p id={`scope-${index}-text`} class="scope-text" dir="auto">
        {scope.description}
      </p>
    )}
  </li>
)

export const ConsentScopes = ({ scopes }: { scopes: readonly ScopeView[] }) => (
  <fieldset>
    <legend>{text.scopes}</legend>
    {scopes.some((scope) => !scope.required) && <p class="hint">{text.scopes_hint}</p>}
    <ul class="scopes">
      {scopes.map((scope, index) => (
        <ScopeRow scope={scope} index={index} />
      ))}
    </ul>
  </fieldset>
)
