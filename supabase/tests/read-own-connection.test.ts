import { expect, test } from 'vitest'
import { addServer, newBrowser, newPerson } from './support/builders.ts'
import { connect } from './support/connections.ts'
import { testDatabase } from './support/database.ts'
import { own } from './support/pages.ts'
import { issuer, metadataClient, preRegistered } from './support/values.ts'

const database = await testDatabase()
const server = await addServer(database)
const read = (person: { session: string; cookie: string }, p_connection_id: string) =>
  own(database, person, 'read_own_connection', { p_connection_id })

test('B31 found: with what its scopes mean, and how many more the client and the server have', async () => {
  const person = await newPerson(database)
  const other = await addServer(database)
  const loopback = { redirect_uri: 'http://localhost:1/callback' }
  const connection_id = await connect(database, person, server)
  await connect(database, person, server, loopback, preRegistered)
  await connect(database, person, other)
  await connect(database, await newPerson(database), server)
  expect(await read(person, connection_id)).toMatchObject({
    outcome: 'found',
    email: person.email,
    connection: { connection_id, client: metadataClient },
    catalogue: [
      { name: 'files:read', description: 'Read your files', required: false },
      { name: 'base', description: 'Needed by everything', required: true },
    ],
    of_client: 2,
    of_server: 2,
    of_all: 3,
  })
})

test('a connection for identity alone has no catalogue', async () => {
  const person = await newPerson(database)
  const connectionId = await connect(database, person, { server_url: issuer }, { scope: ['openid'] })
  expect(await read(person, connectionId)).toMatchObject({ outcome: 'found', catalogue: [] })
})

test('not_found: another person’s, an unknown one, one that has ended', async () => {
  const person = await newPerson(database)
  const theirs = await connect(database, await newPerson(database), server)
  const ended = await connect(database, person, server)
  await own(database, person, 'revoke_own_connections', { p_connection_id: ended, p_extent: 'one' })
  for (const id of [theirs, 'x', ended]) expect(await read(person, id)).toEqual({ outcome: 'not_found' })
})

test('sign_in: nobody is signed in', async () => {
  expect(await read(newBrowser(), 'x')).toEqual({ outcome: 'sign_in' })
})
