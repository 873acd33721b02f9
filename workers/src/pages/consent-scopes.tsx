import type { Messages } from './messages/en.ts'
import { type ScopeChoice, ScopeRow } from './scope-row.tsx'

export type ScopeView = ScopeChoice & { readonly isNew: boolean }

type Text = Messages['consent']

const Tags = ({ scope, text }: { scope: ScopeView; text: Text }) => (
  <>
    {scope.isNew && <span class="tag fresh">{text.scope_new}</span>}
    {scope.required && <span class="tag">{text.scope_required}</span>}
  </>
)

export const ConsentScopes = ({ scopes, text }: { scopes: readonly ScopeView[]; text: Text }) => (
  <fieldset>
    <legend>{text.scopes}</legend>
    {scopes.some((scope) => !scope.required) && <p class="hint">{text.scopes_hint}</p>}
    <ul class="scopes">
      {scopes.map((scope, index) => (
        <ScopeRow scope={scope} index={index}>
          <Tags scope={scope} text={text} />
        </ScopeRow>
      ))}
    </ul>
  </fieldset>
)
