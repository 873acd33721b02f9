import { Choice, Field, type ScopeView, Section, type Text } from './dashboard-parts.tsx'
import { fill } from './fill.tsx'
import { type FormTicket, TicketForm } from './form.tsx'

const empty: ScopeView = { name: '', description: '', required: false, default: true }

type RowProps = { readonly scope: ScopeView; readonly row: number; readonly text: Text }

const Row = ({ scope, row, text }: RowProps) => (
  <fieldset class="box">
    <legend>{scope.name === '' ? text.scope_more : fill(text.scope, { name: <code>{scope.name}</code> })}</legend>
    <Field id={`name_${row}`} label={text.scope_name}>
      <input id={`name_${row}`} name={`name_${row}`} type="text" maxlength={64} value={scope.name} />
    </Field>
    <Field id={`description_${row}`} label={text.scope_description}>
      <input
        id={`description_${row}`}
        name={`description_${row}`}
        type="text"
        maxlength={120}
        value={scope.description}
      />
    </Field>
    <div class="options">
      <Choice type="checkbox" name={`required_${row}`} value="yes" checked={scope.required}>
        {text.scope_required}
      </Choice>
      <Choice type="checkbox" name={`default_${row}`} value="yes" checked={scope.default}>
        {text.scope_default}
      </Choice>
    </div>
  </fieldset>
)

type ScopesProps = { readonly scopes: readonly ScopeView[]; readonly ticket: FormTicket; readonly text: Text }

/** Two rows more than there are scopes: a page without a script cannot add one. */
export const Scopes = ({ scopes, ticket, text }: ScopesProps) => (
  <Section title={text.scopes}>
    <p>{text.scopes_lead}</p>
    <TicketForm ticket={ticket} class="fields">
      {[...scopes, empty, empty].map((scope, row) => (
        <Row scope={scope} row={row} text={text} />
      ))}
      <div>
        <button class="primary small" type="submit" name="act" value="scopes">
          {text.save}
        </button>
      </div>
    </TicketForm>
  </Section>
)
