import { Event, type EventView, eventWords } from './dashboard-event.tsx'
import { Field, Older, type ServerFrame, ServerLayout, type Text } from './dashboard-parts.tsx'

/** What the person asked to see; a member that is left out lets everything through. */
export type EventsFilter = {
  readonly event?: string | undefined
  readonly client_id?: string | undefined
  readonly reference?: string | undefined
}

export type EventsView = ServerFrame & {
  readonly filter: EventsFilter
  readonly events: readonly EventView[]
  readonly next: string | undefined
}

type FilterProps = { readonly filter: EventsFilter; readonly text: Text }

const EventChoice = ({ filter, text }: FilterProps) => (
  <Field id="event" label={text.filter_event}>
    <select id="event" name="event">
      <option value="">{text.filter_all}</option>
      {Object.keys(text.happened).map((event) => (
        <option value={event} selected={event === filter.event}>
          {eventWords(event, text)}
        </option>
      ))}
    </select>
  </Field>
)

const Filter = ({ filter, text }: FilterProps) => (
  <search>
    <form method="get" class="fields">
      <div class="columns">
        <EventChoice filter={filter} text={text} />
        <Field id="client_id" label={text.filter_client}>
          <input
            id="client_id"
            name="client_id"
            type="text"
            autocomplete="off"
            maxlength={2048}
            value={filter.client_id ?? ''}
          />
        </Field>
        <Field id="reference" label={text.reference}>
          <input
            id="reference"
            name="reference"
            type="text"
            autocomplete="off"
            maxlength={100}
            value={filter.reference ?? ''}
          />
        </Field>
      </div>
      <div class="row">
        <button class="quiet small" type="submit">
          {text.filter}
        </button>
        {Object.keys(filter).length > 0 && <a href="?">{text.show_all}</a>}
      </div>
    </form>
  </search>
)

/** The members of a filter that have a value, for the link to the next page. */
function queryOf(filter: EventsFilter): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filter).filter((member): member is [string, string] => member[1] !== undefined),
  )
}

/** Everything that happened to a server, as far as it is asked for (SECURITY §28). */
export const EventsPage = (view: EventsView) => {
  const text = view.frame.messages.dashboard
  return (
    <ServerLayout view={view} here="events">
      <p>{text.events_lead}</p>
      <Filter filter={view.filter} text={text} />
      {view.events.length === 0 ? (
        <p class="empty">{text.no_events}</p>
      ) : (
        <ol class="events">
          {view.events.map((event) => (
            <Event event={event} clock={view.clock} text={text} />
          ))}
        </ol>
      )}
      {view.next && <Older query={queryOf(view.filter)} next={view.next} text={text} />}
    </ServerLayout>
  )
}
