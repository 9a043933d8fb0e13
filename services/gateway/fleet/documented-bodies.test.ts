import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import { Value } from 'typebox/value'
import { BATCH_ITEMS_MAX, COMPLETE_SPANS_MAX } from '../../../schemas/fleet/bounds.ts'
import { FleetBatchSchema, NodeHeartbeatSchema } from '../../../schemas/http/fleet.ts'
import { NOW, setUp } from '../app-fixture.ts'

/**
 * What the document forbids is refused, with a status that says that the request is wrong: a client that goes by the document
 * must not find out otherwise.
 */

const NODE = { provider_id: 'krill', location_id: 'barn', node_id: 'agent-1', epoch: 2, interval_s: 30 }
const SAMPLE = { sample: { observed_at: NOW, serial: 'HM-1', power_w: 3_300, fans: [{ index: 0 }] } }
const SPAN = { from: NOW - 2, to: NOW - 1 }
const BATCH = {
  ...NODE,
  first_seq: 11,
  lane: 'live',
  low: { epoch: 1, seq: 40 },
  complete: [SPAN],
  items: [SAMPLE, { poll: { observed_at: NOW, serial: 'HM-2', result: 'ok' } }],
}
const HEARTBEAT = { ...NODE, sent_at: NOW, version: '0.3.0' }

const ROUTES = [
  { path: 'telemetry', schema: FleetBatchSchema, body: BATCH },
  { path: 'heartbeat', schema: NodeHeartbeatSchema, body: HEARTBEAT },
] as const

/** Statuses of a request that is wrong in itself. */
const WRONG = new Set([400, 422])

let gateway: Awaited<ReturnType<typeof setUp>>

before(async () => {
  gateway = await setUp()
})
after(() => gateway.app.close())

async function statusOf(path: string, body: unknown): Promise<number> {
  const answer = await gateway.app.inject({
    method: 'POST',
    url: `/v1/fleet/${path}`,
    payload: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  return answer.statusCode
}

/** A wrong item is refused by its index, and the batch is taken: only that there are items belongs to the batch. */
function besideItems(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('items' in body)) return body
  const { items } = body
  return Array.isArray(items) && items.length > 0 ? { ...body, items: BATCH.items } : body
}

async function assertAsDocumented(
  { path, schema }: (typeof ROUTES)[number],
  body: unknown,
): Promise<boolean> {
  const isAllowed = Value.Check(schema, besideItems(body))
  const status = await statusOf(path, body)
  const what = `${path} ${status}: ${JSON.stringify(body).slice(0, 400)}`
  if (status === 202) assert.ok(isAllowed, what)
  if (!isAllowed) assert.ok(WRONG.has(status), what)
  return isAllowed
}

const odd = fc.constantFrom<unknown>(null, '', 'x', 0, -1, 1.5, 2 ** 53, true, [], {}, [1], { more: 1 })

/** The value with one place in it replaced, removed, or given a member more. */
function changed(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null) return odd
  if (Array.isArray(value)) {
    const within = value.map((item: unknown, at) =>
      changed(item).map((other) => value.toSpliced(at, 1, other)),
    )
    return fc.oneof(
      odd,
      fc.constant([]),
      odd.map((other) => [...(value as unknown[]), other]),
      ...within,
    )
  }
  const members = Object.entries(value)
  const within = members.map(([name, member]) =>
    changed(member).map((other) => Object.assign({}, value, { [name]: other })),
  )
  const without = fc
    .constantFrom(...members.map(([name]) => name))
    .map((name) => Object.fromEntries(members.filter(([other]) => other !== name)))
  return fc.oneof(
    odd,
    without,
    odd.map((more) => Object.assign({}, value, { more })),
    ...within,
  )
}

for (const route of ROUTES) {
  test(`POST /v1/fleet/${route.path} takes nothing that its document forbids`, async () => {
    assert.equal(await assertAsDocumented(route, route.body), true)
    const met = { allowed: 0, forbidden: 0 }
    await fc.assert(
      fc.asyncProperty(changed(route.body), async (body) => {
        met[(await assertAsDocumented(route, body)) ? 'allowed' : 'forbidden'] += 1
      }),
      { numRuns: 400 },
    )
    assert.ok(met.forbidden > 100, JSON.stringify(met))
  })
}

test('a batch at its bounds and beyond them is as documented', async () => {
  const [telemetry] = ROUTES
  const many = <Item>(item: Item, count: number): Item[] => Array.from({ length: count }, () => item)
  for (const fields of [
    { items: many(SAMPLE, BATCH_ITEMS_MAX + 1) },
    { complete: many(SPAN, COMPLETE_SPANS_MAX + 1) },
    { complete: [{ ...SPAN, more: 1 }] },
    { complete: [SPAN, 7] },
    { items: [{ sample: { ...SAMPLE.sample, fans: many({ index: 0 }, 17) } }] },
    { items: [SAMPLE, 'no item'] },
  ])
    await assertAsDocumented(telemetry, { ...BATCH, ...fields })
})
