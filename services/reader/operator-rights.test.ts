import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import { accessBy, addKey } from '../../test/support/records/access-keys.ts'
import { account } from '../../test/support/records/state-records.ts'
import { startWholeReader } from '../../test/support/memory/whole-reader.ts'
import type { WholeReader } from '../../test/support/memory/whole-reader.ts'
import { KeyRing } from '../access/key-ring.ts'
import { SCOPES } from '../http/caller.ts'
import type { Scope } from '../http/caller.ts'
import { walletView } from './present/wallet-view.ts'

// Which wallets a credential may read: what a node says of itself, in an event or a heartbeat, gives no right to any wallet.

const JOIN = '/api/settings/compute/provider/join'
const CLAIM = '/api/settings/compute/provider/claim'
const TRANSFER = '/api/settings/compute/provider/transfer'
const CENTS_29 = 290_000_000
const PROVIDER = SCOPES.filter((scope) => scope !== 'admin')

const keys = new KeyRing()
const cleanup = new AsyncDisposableStack()
let reader: WholeReader
let admin: string

before(async () => {
  const access = accessBy(keys)
  const setting = { name: 'allow_metered_for_hive', value: true } as const
  reader = cleanup.use(await startWholeReader({ access, rules: { overrides: [setting] } }))
  admin = keyOf(['admin'], [])
})

after(() => cleanup.disposeAsync())

function keyOf(
  scopes: readonly Scope[],
  nodes: readonly string[],
  operators: readonly string[] = [],
): string {
  const rights = { scopes: [...scopes], nodes: [...nodes], operators: [...operators] }
  return addKey(keys, { client: 'rights', ...rights })
}

async function ask(key: string, method: string, url: string, body?: object) {
  const headers = { authorization: `Bearer ${key}` }
  return await reader.ask(method, url, { headers, ...(body !== undefined && { body }) })
}

const wallet = (key: string, operator: string) => ask(key, 'GET', `/api/wallets/${operator}`)

/** A node that an admin has given to its operator, and what it earned for that operator. */
async function victim(name: string): Promise<{ node: string; operator: string }> {
  const named = { node: `node-of-${name}`, operator: name }
  await reader.heartbeat(named.node, { operator_id: name })
  const claimed = await ask(admin, 'POST', CLAIM, { node_id: named.node, operator_id: name })
  assert.equal(claimed.status, 200)
  await reader.cost(named.node, CENTS_29)
  return named
}

/** Every way in which a node, or the holder of its key and nothing else, can name its operator. */
const CLAIMS: Readonly<Record<string, (node: string, operator: string) => Promise<unknown>>> = {
  'an event': (node, operator) => reader.cost(node, CENTS_29, {}, operator),
  'a heartbeat': (node, operator) => reader.heartbeat(node, { operator_id: operator }),
  'a heartbeat of an admin': (node, operator) =>
    reader.heartbeat(node, { operator_id: operator, by_admin: true }),
  'a join with its own key': (node, operator) =>
    ask(keyOf(PROVIDER, [node]), 'POST', JOIN, { node_id: node, operator_id: operator }),
  'a join with a key of another operator': (node, operator) =>
    ask(keyOf(PROVIDER, [node], ['another']), 'POST', JOIN, { node_id: node, operator_id: operator }),
}

for (const [index, [what, claim]] of Object.entries(CLAIMS).entries()) {
  test(`${what} that names somebody's operator opens no route of it, and no list of it shows the node`, async () => {
    const { node, operator } = await victim(`victim-${index}`)
    const attacker = `attacker-${index}`
    await claim(attacker, operator)
    await reader.cost(attacker, CENTS_29)
    assert.equal(reader.accounts.account(attacker)?.operators.at(-1)?.operator_id, operator)
    for (const key of [keyOf(PROVIDER, [attacker]), keyOf(PROVIDER, [attacker], ['another'])]) {
      const routes = Object.entries(reader.document.paths).filter(([path]) => path.includes('{operator_id}'))
      assert.ok(routes.length >= 2)
      for (const [path, operations] of routes) {
        for (const method of Object.keys(operations)) {
          const at = (name: string) => ask(key, method.toUpperCase(), path.replace('{operator_id}', name))
          const [refused, unknown] = [await at(operator), await at('nobody')]
          assert.equal(refused.status, 404, `${method} ${path}`)
          const neutral = (body: unknown) => JSON.stringify(body).replaceAll(/victim-\d+|nobody/g, 'name')
          assert.equal(neutral(refused.body), neutral(unknown.body), path)
        }
      }
      await assertNothingShownOf(node, attacker, key)
    }
    const { body } = await wallet(keyOf(['usage:read'], [node]), operator)
    assert.deepEqual(
      (body['nodes'] as { node_id: string }[]).map(({ node_id }) => node_id),
      [node],
    )
    assert.equal((body['unconfirmed'] as { nodes: number }).nodes, 1)
    assert.equal(partsOf(body), body['balance_micro_spark'])
    assert.ok(Number(body['balance_micro_spark']) >= 58_000_000, 'both nodes have earned for it')
  })
}

/** No route that takes a node shows anything of the victim's node to a caller that requests the attacker's node. */
async function assertNothingShownOf(node: string, attacker: string, key: string): Promise<void> {
  for (const [path, operations] of Object.entries(reader.document.paths)) {
    if (!('get' in operations) || path.includes('{')) continue
    const { body } = await ask(key, 'GET', path.startsWith('/api') ? `${path}?node_id=${attacker}` : path)
    assert.ok(!JSON.stringify(body).includes(node), path)
  }
}

const partsOf = (body: Readonly<Record<string, unknown>>): number =>
  [...(body['nodes'] as { micro_spark: number }[]), body['unconfirmed'] as { micro_spark: number }].reduce(
    (sum, { micro_spark }) => sum + micro_spark,
    0,
  )

/** Every way in which an authorised caller names a node's operator; each after a heartbeat that had named it already. */
const CONFIRMS: Readonly<Record<string, (node: string, operator: string) => Promise<{ status: number }>>> = {
  "an admin's claim": (node_id, operator_id) => ask(admin, 'POST', CLAIM, { node_id, operator_id }),
  "an admin's join": (node_id, operator_id) => ask(admin, 'POST', JOIN, { node_id, operator_id }),
  "an admin's transfer": (node_id, operator_id) => ask(admin, 'POST', TRANSFER, { node_id, operator_id }),
  'a join with a key of the operator': (node_id, operator_id) =>
    ask(keyOf(['settings:write'], [node_id], [operator_id]), 'POST', JOIN, { node_id, operator_id }),
}

for (const [index, [what, confirm]] of Object.entries(CONFIRMS).entries()) {
  test(`${what} opens the wallet to the node's key, until another operator has the node`, async () => {
    const [node, operator] = [`node-${index}`, `operator-${index}`]
    const key = keyOf(['usage:read'], [node])
    await reader.heartbeat(node, { operator_id: operator })
    assert.equal((await wallet(key, operator)).status, 404)
    assert.equal((await wallet(keyOf(['usage:read'], ['*']), operator)).status, 404)
    assert.equal((await confirm(node, operator)).status, 200)
    for (const one of [key, keyOf(['usage:read'], ['*'])])
      assert.equal((await wallet(one, operator)).status, 200)
    const version = reader.accounts.account(node)?.version
    assert.equal((await confirm(node, operator)).status, 200)
    assert.equal(reader.accounts.account(node)?.version, version, 'said again it changes nothing')
    const next = await ask(admin, 'POST', TRANSFER, { node_id: node, operator_id: `next-${index}` })
    assert.equal(next.status, 200)
    assert.equal((await wallet(key, operator)).status, 404)
    assert.equal((await wallet(key, `next-${index}`)).status, 200)
    const { body } = await wallet(admin, operator)
    assert.equal((body['nodes'] as unknown[]).length, 1, 'what was earned stays on its list')
  })
}

test('a credential reads the wallet of the operator that it names, whatever nodes say, and an empty one too', async () => {
  const { operator } = await victim('named')
  const key = keyOf(['usage:read'], [], [operator, 'without-nodes'])
  assert.equal((await wallet(key, operator)).body['balance_micro_spark'], 39_000_000)
  const empty = await wallet(key, 'without-nodes')
  assert.deepEqual([empty.status, empty.body['balance_micro_spark'], empty.body['nodes']], [200, 0, []])
  assert.equal((await wallet(key, 'victim-0')).status, 404)
  // The history is away here: the wallet is the caller's, and the test needs nothing more.
  assert.equal((await ask(key, 'GET', `/api/wallets/${operator}/entries`)).status, 503)
})

test('the parts of a wallet add up to it, whatever its nodes are', () => {
  const operator = fc.record({
    operator_id: fc.constantFrom('op', 'other'),
    since: fc.nat(),
    micro_spark: fc.bigInt({ min: 0n, max: 10n ** 30n }),
    entries: fc.nat(),
    last_entry_at: fc.option(fc.nat(), { nil: null }),
    remainder: fc.nat(999),
    confirmed: fc.boolean(),
  })
  const nodes = fc.array(fc.uniqueArray(operator, { maxLength: 2, selector: (one) => one.operator_id }), {
    maxLength: 20,
  })
  fc.assert(
    fc.property(nodes, (lists) => {
      const states = lists.map((operators, index) => ({
        account: account({ node_id: `node-${index}`, operators }),
      }))
      const view = walletView('op', states, null)
      const ofOp = lists.flat().filter(({ operator_id }) => operator_id === 'op')
      const sum = view.nodes.reduce((total, { micro_spark }) => total + micro_spark, 0n)
      assert.equal(sum + view.unconfirmed.micro_spark, view.balance_micro_spark)
      assert.equal(
        view.balance_micro_spark,
        ofOp.reduce((total, { micro_spark }) => total + micro_spark, 0n),
      )
      assert.equal(view.nodes.length + view.unconfirmed.nodes, ofOp.length)
      assert.equal(view.nodes.length, ofOp.filter(({ confirmed }) => confirmed).length)
    }),
  )
})
