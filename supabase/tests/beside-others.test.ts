import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { commonNames, describeOthers, supabaseProject, untilAlone } from './support/supabase-project.ts'

const text = await readFile(new URL('../migration-add-mcp.sql', import.meta.url), 'utf8')
const project = await supabaseProject()

/** As the SQL editor sends it: the whole text at once. */
const paste = (sql: string) =>
  untilAlone(() => project.editor(sql).finally(() => project.editor('rollback').catch(() => {})))
const areThere = async () => {
  const [row] = await project.admin(
    "select count(*) as count from pg_namespace where nspname in ('mcp', 'mcp_data')",
    [],
  )
  return Number(row?.count) > 0
}

describe('migration-add-mcp.sql in a project that others use', () => {
  test('is one transaction: where its last statement fails, nothing of it is there', async () => {
    const before = await describeOthers(project.admin)
    expect(text.match(/^(begin|commit);$/gm)).toEqual(['begin;', 'commit;'])
    await expect(paste(text.replace(/^commit;$/m, 'select 1 / 0;\ncommit;'))).rejects.toThrow('division by zero')
    expect(await areThere()).toBe(false)
    expect(await describeOthers(project.admin)).toEqual(before)
  })

  test('touches nothing of theirs: tables, rows, functions, grants, policies, triggers, defaults, members', async () => {
    const before = await describeOthers(project.admin)
    // Those that could be mixed up are there, and what is compared is not empty.
    for (const name of commonNames) expect(before.join('\n')).toContain(`relation public.${name} r`)
    expect(before.length).toBeGreaterThan(200)
    await paste(text)
    expect(await areThere()).toBe(true)
    expect(await describeOthers(project.admin)).toEqual(before)
    expect(
      await project.admin('select public.read_readiness() as theirs, mcp.read_readiness() as ours', []),
    ).toMatchObject([{ theirs: 'theirs', ours: { outcome: 'ready' } }])
  })

  test('leaves the editor with the role it had', async () => {
    const [row] = await project.editor('select current_user = session_user as is_itself', [])
    expect(row).toEqual({ is_itself: true })
  })

  test('an existing person of theirs keeps the id with us (ARCHITECTURE decision 7)', async () => {
    const [theirs] = await project.admin("select id from auth.users where email = 'ada@mail.example'", [])
    const [ours] = await project.admin(
      "set local role mcp_owner; select (mcp_data.account_of_verified_email('ada@mail.example')).account_id as id",
    )
    expect(ours?.id).toBe(theirs?.id)
  })

  test('pasted a second time it says that it is there already, and changes nothing', async () => {
    const before = await describeOthers(project.admin)
    await expect(paste(text)).rejects.toThrow('already exists')
    expect(await describeOthers(project.admin)).toEqual(before)
    expect(await project.admin('select mcp.read_readiness() as ours', [])).toMatchObject([
      { ours: { outcome: 'ready' } },
    ])
  })

  test('leaves anon and authenticated with nothing of ours, whatever the project grants by default (N2)', async () => {
    const callable = await project.admin(
      `select p.oid::regprocedure::text as name from pg_proc p cross join (values ('anon'), ('authenticated')) r (role)
       where p.pronamespace in ('mcp'::regnamespace, 'mcp_data'::regnamespace) and has_function_privilege(r.role, p.oid, 'execute')`,
      [],
    )
    expect(callable).toEqual([])
  })
})
