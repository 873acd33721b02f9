import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { newRuleId } from '../crypto/random.ts'
import { changeFacts } from '../http/change-facts.ts'
import { readJsonBody } from '../http/json-body.ts'
import { callerRefused, requireCaller } from '../http/management-caller.ts'
import { ruleIdOf, serverIdOf } from '../http/management-path.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { describeClientRule } from '../protocol/activity-description.ts'
import { parseClientRule } from '../protocol/client-rule.ts'
import { refused } from '../protocol/errors.ts'
import { createClientRule, deleteClientRule, listClientRules } from '../store/client-rules.ts'

/** Which clients a server's owner lets in or keeps out (HTTP-API "Server management"; THREATS A36). */
export const apiClientRulesRoute = new Hono<AppEnv>()
  .post('/api/servers/:server_id/client-rules', rateLimit('RATE_API'), create)
  .get('/api/servers/:server_id/client-rules', list)
  .delete('/api/servers/:server_id/client-rules/:rule_id', rateLimit('RATE_API'), remove)

async function create(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const p_server_id = serverIdOf(c)
  const p_rule = { rule_id: newRuleId(), ...parseClientRule(await readJsonBody(c)) }
  const created = await createClientRule(c.var.store, { p_server_id, p_caller, p_rule, ...changeFacts(c) })
  if (created.outcome === 'rule_exists') throw refused('client_rule_exists')
  if (created.outcome !== 'created') throw await callerRefused(c, created, 'server_not_found')
  return c.json({ ...describeClientRule(created.rule), connections_ended: created.connections_ended }, 201)
}

async function list(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const found = await listClientRules(c.var.store, { p_server_id: serverIdOf(c), p_caller })
  if (found.outcome !== 'found') throw await callerRefused(c, found, 'server_not_found')
  return c.json({ rules: found.rules.map(describeClientRule) })
}

async function remove(c: Context<AppEnv>): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  const p_caller = await requireCaller(c)
  const args = { p_server_id: serverIdOf(c), p_rule_id: ruleIdOf(c), p_caller, p_request: c.var.requestFacts }
  const deleted = await deleteClientRule(c.var.store, args)
  if (deleted.outcome !== 'deleted') throw await callerRefused(c, deleted, 'client_rule_not_found')
  return c.body(null, 204)
}
