import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemRandom } from '../../pipelines/random.ts'
import type { SetAsideItem } from '../../schemas/http/set-aside.ts'
import { hashToUuid } from '../../schemas/ids.ts'
import { FORWARDED_HEADER } from '../../schemas/usage.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, usageRecord } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const PARTITIONS = 2
const ARRIVES_WITHIN_MS = 20_000

describe('what was set aside', () => {
  let installation: Installation
  let services: Record<'aggregator' | 'settler' | 'loader' | 'reader', ServiceProcess>
  const maker = new UsageMaker(7, systemRandom.bytes(8))
  const [node = ''] = nodesOf(0, PARTITIONS, 1)
  const [misplacedNode = ''] = nodesOf(1, PARTITIONS, 1)
  const text = 'order 7/α'
  const first = {
    ...maker.event(node, { cost_nano_usd: 3_000_000, task_source: 'hive' }),
    event_text: text,
    event_id: hashToUuid(text),
  }

  before(async () => {
    installation = await install({ name: 'set_aside', partitions: PARTITIONS })
    const producer = openUsageProducer(installation)
    await producer.append([
      usageRecord(0, [first]),
      {
        ...usageRecord(0, [{ ...first, tokens_in: first.tokens_in + 1 }, maker.event(misplacedNode)]),
        // A record that was sent on once is not sent on again.
        headers: { [FORWARDED_HEADER]: '1' },
      },
      { partition: 0, key: null, value: Buffer.from('not ours') },
      usageRecord(1, [maker.event(misplacedNode)]),
    ])
    await producer.stop()
    services = await startServices(installation, 'aggregator', 'settler', 'loader', 'reader')
    await until(
      'the letters',
      ARRIVES_WITHIN_MS,
      async () => (await ask('/api/usage/set-aside')).items?.length === 3,
    )
  })

  after(async () => {
    await Promise.all(Object.values(services).map((service) => service.stop()))
    await installation.dispose()
  })

  it('is shown to its node, with what was sent and the event that counts instead', async () => {
    const url = `/api/usage/set-aside?node_id=${node}`
    await until('its list', ARRIVES_WITHIN_MS, async () => (await ask(url)).items?.length === 1)
    const { items = [] } = await ask(url)
    const [item] = items
    assert.equal(item?.reason, 'conflict')
    assert.equal(item?.event_id, text)
    assert.equal(item?.event?.['tokens_in'], first.tokens_in + 1)
    assert.equal(item?.counted?.event_id, text)
    assert.equal(item?.counted?.tokens_in, first.tokens_in)
    assert.equal(item?.record_base64, null, 'the record holds an event of another node')
  })

  it('is counted in the view of its node', async () => {
    const url = `/api/settings/compute/provider?node_id=${node}`
    await until('its count', ARRIVES_WITHIN_MS, async () => (await ask(url)).set_aside_events === 1)
  })

  it('is shown whole to an admin, page by page, records without a node too', async () => {
    const seen: SetAsideItem[] = []
    for (let cursor = ''; ; ) {
      const page = await ask(`/api/usage/set-aside?limit=1&cursor=${cursor}`)
      seen.push(...(page.items ?? []))
      if (page.next_cursor == null) break
      cursor = encodeURIComponent(page.next_cursor)
    }
    assert.deepEqual(
      seen.map(({ reason, node_id }) => [reason, node_id]),
      [
        ['framing', null],
        ['wrong_partition', misplacedNode],
        ['conflict', node],
      ],
    )
    assert.equal(seen[0]?.record_base64, Buffer.from('not ours').toString('base64'))
  })

  it('one event is found by the id that it was sent with, and says what became of its cost', async () => {
    const url = `/api/usage/events/${encodeURIComponent(text)}?node_id=${node}`
    await until('its decision', ARRIVES_WITHIN_MS, async () => (await ask(url)).settlement_status !== null)
    const event = await ask(url)
    assert.equal(event.event_id, text)
    assert.equal(event.settlement_status, event.decision)
    assert.equal(event.actual_usd_cost, '0.003')
    assert.equal((await ask(`/api/usage/events/none?node_id=${node}`)).code, 'event_not_found')
    const { items = [] } = await ask(`/api/settlements/pending?node_id=${node}`)
    assert.deepEqual(
      items.map(({ event_id }) => event_id),
      [text],
    )
  })

  it('is put back by an admin, once', async () => {
    const { items = [] } = await ask('/api/usage/set-aside')
    const misplaced = items.find(({ reason }) => reason === 'wrong_partition')
    const url = `/api/usage/set-aside/${misplaced?.id}/replay`
    const answer = await ask(url, 'POST')
    assert.deepEqual([answer.put_back, answer.counted, answer.refused], [1, 1, 0])
    await until('the event', ARRIVES_WITHIN_MS, async () => (await events(misplacedNode)) === 2)
    assert.deepEqual((await ask(url, 'POST')).put_back, 0)
    assert.equal(
      (await ask('/api/usage/set-aside/usage.metered:0:999/replay', 'POST')).code,
      'letter_not_found',
    )
    await verified(installation)
    assert.equal(await events(misplacedNode), 2)
  })

  it('verify names a row that is changed, and one that is missing', async () => {
    await installation.clickhouse.command(
      "ALTER TABLE set_aside UPDATE event = replaceOne(event, 'hive', 'idle') WHERE reason = 'conflict'",
      {},
      { mutations_sync: 1 },
    )
    await installation.clickhouse.command(
      "ALTER TABLE set_aside DELETE WHERE reason = 'wrong_partition'",
      {},
      { mutations_sync: 1 },
    )
    const { exitCode, output } = await installation.command('verify')
    assert.equal(exitCode, 6, output)
    assert.match(output, /^set_aside partition 0 record 1 event 0: event is /m)
    assert.match(output, /^set_aside partition 0 record 1 event 1: \(row\) is absent/m)
  })

  async function events(nodeId: string): Promise<number> {
    return (await ask(`/api/usage/events?node_id=${nodeId}`)).items?.length ?? 0
  }

  async function ask(path: string, method = 'GET'): Promise<Answer> {
    const posted = { method, headers: { 'content-type': 'application/json' }, body: '{}' }
    const response = await fetch(`${services.reader.url}${path}`, method === 'POST' ? posted : {})
    return (await response.json()) as Answer
  }
})

interface Answer {
  readonly items?: SetAsideItem[]
  readonly next_cursor?: string | null
  readonly event_id?: string
  readonly settlement_status?: string | null
  readonly decision?: string | null
  readonly actual_usd_cost?: string
  readonly set_aside_events?: number
  readonly code?: string
  readonly put_back?: number
  readonly counted?: number
  readonly refused?: number
}
