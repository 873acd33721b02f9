import { expect, test } from 'vitest'
import { readProviders } from '../../workers/src/config-providers.ts'
import { blocksIn } from './blocks.ts'

test('the rows of docs/configuration.md are rows that the server takes', () => {
  const rows = blocksIn(['json']).filter(({ text }) => text.includes('"client_id"') && text.trim().startsWith('['))
  expect(rows).toHaveLength(1)
  expect(readProviders(rows[0]?.text.replace('PROJECT', 'project') ?? '')).toMatchObject({
    value: [{ id: 'google' }, { id: 'github', api_url: 'https://api.github.com' }, { id: 'team', kind: 'oidc' }],
  })
})
