import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import type { OpenApiDocument } from '../support/oracles/openapi-check.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'

const PARTITIONS = 2
const ARRIVES_WITHIN_MS = 20_000
const NODE = 'sender'
const OPERATOR = 'op'

/** Ids as clients write them, for each of which another text could be shown: a hash, other letters, other bits. */
const SENT = [
  'order 7/α',
  '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  '01arz3ndektsv4rrffq69g5faw',
  '7B0D6F3E-8C1A-4F5B-9D2E-1A2B3C4D5E6F',
  'a79db5dc-0d3c-4f6f-8f0c-5a2f5d0f9b11',
  'urn:uuid:0',
  'x'.repeat(128),
] as const

describe('the id of an event', () => {
  let installation: Installation
  let services: Record<'gateway' | 'aggregator' | 'settler' | 'loader' | 'reader', ServiceProcess>

  before(async () => {
    installation = await install({ name: 'sent_ids', partitions: PARTITIONS })
    services = await startServices(installation, 'gateway', 'aggregator', 'settler', 'loader', 'reader')
    assert.deepEqual(await send(SENT.map((event_id) => event(event_id))), [])
    await until('all events', ARRIVES_WITHIN_MS, async () => {
      const { items = [] } = (await get(`/api/usage/events?node_id=${NODE}`)) as { items?: unknown[] }
      return items.length === SENT.length
    })
    // The same ids with another content: each event is set aside.
    assert.deepEqual(await send(SENT.map((event_id) => ({ ...event(event_id), tokens_in: 9 }))), [])
    await until('all conflicts', ARRIVES_WITHIN_MS, async () => {
      const { items = [] } = (await get(`/api/usage/set-aside?node_id=${NODE}`)) as { items?: unknown[] }
      return items.length === SENT.length
    })
  })

  after(async () => {
    await Promise.all(Object.values(services).map((service) => service.stop()))
    await installation.dispose()
  })

  it('is the text that was sent, on every route that shows one', async () => {
    const { paths } = (await get('/openapi.json')) as OpenApiDocument
    const shownBy = new Map<string, ReadonlySet<string>>()
    for (const [path, { get: operation }] of Object.entries(paths)) {
      if (operation === undefined || path === '/openapi.json') continue
      const asksNode = operation.parameters?.some(({ name }) => name === 'node_id') === true
      const filled = path
        .replace('{operator_id}', OPERATOR)
        .replace('{event_id}', encodeURIComponent(SENT[0]))
      const ids = idsIn(await get(asksNode ? `${filled}?node_id=${NODE}` : filled))
      if (ids.size > 0) shownBy.set(path, ids)
    }
    for (const [path, ids] of shownBy)
      for (const id of ids) assert.ok((SENT as readonly string[]).includes(id), `${path} shows ${id}`)
    for (const path of ['/api/usage/events', '/api/usage/set-aside', '/api/settlements/pending'])
      assert.deepEqual([...(shownBy.get(path) ?? [])].toSorted(byText), [...SENT].toSorted(byText), path)
    assert.deepEqual([...(shownBy.get('/api/usage/events/{event_id}') ?? [])], [SENT[0]])
  })

  it('finds its event by that text', async () => {
    for (const id of SENT) {
      const found = await get(`/api/usage/events/${encodeURIComponent(id)}?node_id=${NODE}`)
      assert.deepEqual([...idsIn(found)], [id])
    }
  })

  it('is that text, too, where the gateway refuses an event', async () => {
    const refused = await send(SENT.map((event_id) => ({ ...event(event_id), tokens_in: -1 })))
    assert.deepEqual(refused, SENT)
  })

  function event(event_id: string) {
    return {
      event_id,
      node_id: NODE,
      operator_id: OPERATOR,
      model_id: 'gpt-4.1',
      task_source: 'hive',
      occurred_at: new Date(Date.now() - 60_000).toISOString(),
      tokens_in: 1,
      tokens_out: 1,
      // It stays open: what is worth less than 10 Spark is not settled yet.
      actual_usd_cost: '0.0001',
    }
  }

  /** The ids of the refused events, as the gateway returns them. */
  async function send(events: readonly object[]): Promise<readonly (string | null)[]> {
    const response = await fetch(`${services.gateway.url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    })
    const { rejected = [] } = (await response.json()) as { rejected?: { event_id: string | null }[] }
    return rejected.map(({ event_id }) => event_id)
  }

  async function get(path: string): Promise<unknown> {
    const response = await fetch(`${services.reader.url}${path}`)
    const text = await response.text()
    return text.startsWith('{') ? JSON.parse(text) : {}
  }
})

const byText = (left: string, right: string): number => (left < right ? -1 : 1)

/** Every `event_id` in an answer, however deep. */
function idsIn(value: unknown): Set<string> {
  const ids = new Set<string>()
  const look = (one: unknown): void => {
    if (typeof one !== 'object' || one === null) return
    for (const [name, member] of Object.entries(one)) {
      if (name === 'event_id' && typeof member === 'string') ids.add(member)
      else look(member)
    }
  }
  look(value)
  return ids
}
