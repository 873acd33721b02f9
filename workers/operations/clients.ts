import * as z from 'zod/mini'
import { parseDisplayName } from '../src/protocol/display-name.ts'
import { redirectKind } from '../src/protocol/redirect-uri.ts'
import { type Call, type Command, reasonOf, reasonOption, tell } from './command.ts'
import { type Report, Sentence } from './report.ts'

const longestName = 200

/** An https redirect with its port, or a loopback one without: the port of a run is chosen anew (RFC 8252 §7.3). */
function checkedRedirect(uri: string): string {
  const kind = redirectKind(uri, [])
  if (kind === undefined) throw new Sentence(`${uri} is no redirect URI: it must be https, or http on loopback.`)
  if (kind === 'loopback' && /^http:\/\/[^/?]*:\d+(?:[/?]|$)/.test(uri))
    throw new Sentence(`${uri} must not have a port: any will do.`)
  return uri
}

async function addClient({ operands, values, operate }: Call): Promise<Report> {
  const [client_id = ''] = operands
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(client_id) || client_id.startsWith('dcr_')) {
    throw new Sentence('A client_id here has letters, digits, _ . and - alone, and does not begin with dcr_.')
  }
  const client_name = parseDisplayName(String(values.name ?? client_id), longestName)
  if (client_name === undefined) throw new Sentence('That name cannot be shown on a consent page.')
  const redirect_uris = z
    .array(z.string())
    .parse(values['redirect-uri'] ?? [])
    .map(checkedRedirect)
  if (redirect_uris.length === 0) throw new Sentence('Say where it redirects: --redirect-uri, once or more.')
  return tell(await operate('add_client', { client_id, client_name, redirect_uris }), ['added'], {
    added: `${client_id} is registered, and known at its next request.`,
    exists: `${client_id} is registered already.`,
  })
}

const listed = z.object({
  clients: z.array(
    z.looseObject({ client_id: z.string(), client_name: z.string(), blocked_reason: z.optional(z.string()) }),
  ),
  blocked: z.array(z.object({ client_id_digest: z.string(), reason: z.string(), blocked_at: z.string() })),
})

async function listClients({ operate }: Call): Promise<Report> {
  const answer = await operate('list_clients', {})
  const { clients, blocked } = listed.parse(answer)
  const lines = clients.map(({ client_id, client_name, blocked_reason }) => {
    const state = blocked_reason === undefined ? '' : `  blocked: ${blocked_reason}`
    return `${client_id}  ${client_name}${state}`
  })
  const digests = blocked.map(({ client_id_digest, reason }) => `sha256 ${client_id_digest}  blocked: ${reason}`)
  return { isGood: true, lines: [...lines, ...digests], json: answer }
}

export const clientCommands: readonly Command[] = [
  {
    name: 'clients add',
    operands: ['client_id'],
    says: 'Registers a public client by hand. Clients that describe or register themselves need no row.',
    options: { name: { type: 'string' }, 'redirect-uri': { type: 'string', multiple: true } },
    optionsSay: {
      'name <text>': 'what the consent page calls it',
      'redirect-uri <uri>': 'https, or http on loopback without a port; may be repeated',
    },
    run: addClient,
  },
  { name: 'clients list', operands: [], says: 'Lists clients with a row, and what is blocked.', run: listClients },
  {
    name: 'clients block',
    operands: ['client_id'],
    says: 'Stops a client of any kind at its next request. Nothing is revoked: unblock brings all of it back.',
    ...reasonOption,
    run: async (call) =>
      tell(await call.operate('block_client', { client_id: call.operands[0], reason: reasonOf(call) }), ['blocked'], {
        blocked: ({ connections }) => `It is blocked; ${connections} connections of it are inactive from now on.`,
        already_blocked: 'It is blocked already.',
      }),
  },
  {
    name: 'clients unblock',
    operands: ['client_id'],
    says: 'Lifts a block.',
    ...reasonOption,
    run: async (call) =>
      tell(
        await call.operate('unblock_client', { client_id: call.operands[0], reason: reasonOf(call) }),
        ['unblocked'],
        { unblocked: 'It may act again, with all it had.', not_blocked: 'It is not blocked.' },
      ),
  },
]
