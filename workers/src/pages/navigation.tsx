import type { Messages } from './messages/en.ts'

/** The pages of a signed-in person, in their order. */
const items = [
  { id: 'connections', href: '/account' },
  { id: 'servers', href: '/dashboard' },
  { id: 'sessions', href: '/account/sessions' },
  { id: 'passkeys', href: '/account/passkeys' },
  { id: 'activity', href: '/account/activity' },
  { id: 'data', href: '/account/data' },
] as const

export type NavigationItem = (typeof items)[number]['id']

export const Navigation = ({ text, here }: { text: Messages['nav']; here: NavigationItem }) => (
  <nav class="nav" aria-label={text.label}>
    <ul>
      {items.map(({ id, href }) => (
        <li>
          <a href={href} aria-current={id === here ? 'page' : undefined}>
            {text[id]}
          </a>
        </li>
      ))}
      <li class="nav-end">
        <a href="/sign-out">{text.sign_out}</a>
      </li>
    </ul>
  </nav>
)
