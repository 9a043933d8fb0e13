import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { modelsTableCodec } from '../../schemas/avro.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { SEED_ROWS } from '../../schemas/models-seed.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, usageRecord } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

/** An installation's own table of models, from PUT to the rows that are judged by it, and to verify. */

const PARTITIONS = 2
const ARRIVES_WITHIN_MS = 20_000

describe('the table of models', () => {
  let installation: Installation
  let services: Record<'aggregator' | 'settler' | 'loader' | 'reader', ServiceProcess>
  const maker = new UsageMaker(3, systemRandom.bytes(8))
  const nodes = [0, 1].map((partition) => nodesOf(partition, PARTITIONS, 1)[0] ?? '')
  let sent = 0

  before(async () => {
    installation = await install({ name: 'models', partitions: PARTITIONS })
    services = await startServices(installation, 'aggregator', 'settler', 'loader', 'reader')
  })

  after(async () => {
    await Promise.all(Object.values(services).map((service) => service.stop()))
    await installation.dispose()
  })

  const ask = async (method: string, body?: object, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`${services.reader.url}/api/models`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    return {
      status: response.status,
      etag: response.headers.get('etag') ?? '',
      body: (await response.json()) as Record<string, unknown>,
    }
  }

  /** Sends one call of this model in each partition; returns the rows once they are loaded, by their order in time. */
  const judged = async (model_id: string) => {
    const producer = openUsageProducer(installation)
    await producer.append(
      nodes.map((node, partition) =>
        usageRecord(partition, [
          { ...maker.event(node), model_id, gpu_ms: 3_600, energy_mwh: null, energy_source: 'none' },
        ]),
      ),
    )
    await producer.stop()
    sent += nodes.length
    const table = `${installation.database}.usage_events`
    await until('the rows', ARRIVES_WITHIN_MS, async () => {
      const { rows } = await installation.row<{ rows: string }>(`SELECT count() AS rows FROM ${table}`)
      return Number(rows) === sent
    })
    const rows = await installation.clickhouse.rows<Record<string, number | string>>(
      `SELECT models_version, energy_mwh_estimated AS estimated, energy_mwh_compatible AS compatible FROM ${table}
       WHERE model_id = {model_id:String} ORDER BY received_at DESC LIMIT 2`,
      { model_id },
    )
    return rows.map((row) => [
      Number(row['models_version']),
      Number(row['estimated']),
      Number(row['compatible']),
    ])
  }

  it('begins with the common families in a new installation', async () => {
    const { status, etag, body } = await ask('GET')
    assert.deepEqual([status, body['version'], body['written_by']], [200, 2, 'migrate'])
    assert.match(etag, /^"2(-gzip|-zstd)?"$/)
    assert.equal((body['rows'] as unknown[]).length, SEED_ROWS.length)
    assert.deepEqual(await judged('us.anthropic.claude-3-5-sonnet-20240620-v1:0'), [
      [2, 170, 1_000],
      [2, 170, 1_000],
    ])
    assert.match((await installation.command('migrate')).output, /Table of models: left as it is\./)
  })

  it('is replaced by an admin, and what is counted from then on is judged by the new one', async () => {
    const rows = [{ pattern: 'my-*', execution: 'local', tdp_watts: 400 }]
    assert.equal((await ask('PUT', { rows }, { 'if-match': '"1"' })).status, 412)
    // As it was sent, packed or not.
    const { etag } = await ask('GET')
    const written = await ask('PUT', { rows }, { 'if-match': etag })
    assert.deepEqual([written.status, written.body], [200, { updated: true, version: 3 }])
    assert.equal((await ask('GET')).body['version'], 3, 'read at once where it was written')
    await until('the aggregator', ARRIVES_WITHIN_MS, async () => (await judged('my-llama'))[0]?.[0] === 3)
    assert.deepEqual(await judged('my-llama'), [
      [3, 400, 400],
      [3, 400, 400],
    ])
    assert.deepEqual(await judged('gpt-4.1'), [
      [3, 170, 170],
      [3, 170, 170],
    ])
    assert.equal((await installation.aggregatorTask(0))?.models_version, 3)
    assert.deepEqual((await installation.aggregatorTask(0))?.models, [])
  })

  it('comes from a file too, and of several writers at once each version is one of them', async () => {
    const file = join(installation.dir, 'models.json')
    writeFileSync(file, JSON.stringify({ rows: [{ pattern: 'my-*', execution: 'api' }] }))
    const done = await installation.command('migrate', ['--models', file])
    assert.deepEqual([done.exitCode, done.output.trim()], [0, 'Table of models: version 4, 1 rows.'])
    writeFileSync(file, '{"rows":[{"pattern":"my-*","execution":"cloud"}]}')
    const wrong = await installation.command('migrate', ['--models', file])
    assert.equal(wrong.exitCode, 2)
    assert.match(wrong.output, /\/rows\/0\/execution/)
    writeFileSync(file, JSON.stringify({ rows: [{ pattern: 'ours', execution: 'api' }] }))
    const answers = await Promise.all([
      ask('PUT', { rows: [{ pattern: 'yours', execution: 'api' }] }),
      installation.command('migrate', ['--models', file]),
    ])
    const won = [answers[0].status === 200, answers[1].exitCode === 0].filter(Boolean).length
    const written = (await installation.records('models', 0)).flatMap(({ value, key }) =>
      value === null || String(key) === '!fence' ? [] : [modelsTableCodec.decode(value).version],
    )
    assert.deepEqual(
      written,
      Array.from({ length: written.length }, (_, at) => at + 2),
    )
    assert.ok(written.length >= 3 + won, `${written.length} versions of which ${won} came at once`)
    await services.aggregator.stop()
    services.aggregator = (await startServices(installation, 'aggregator')).aggregator
    const [row] = await judged('my-llama')
    assert.equal(row?.[0], written.at(-1))
  })

  it('is judged again by verify, version by version', async () => {
    await verified(installation)
  })

  it('is not what somebody writes there who cannot: what cannot be read holds nothing up', async () => {
    const { models: topic } = installation.topics
    const producer = new IdempotentProducer({ ...installation.kafka, topic, metrics: noMetrics })
    await producer.append([{ partition: 0, key: '999', value: Buffer.from('not ours') }])
    await producer.stop()
    const before = await ask('GET')
    assert.equal(before.status, 200)
    await until('the note', ARRIVES_WITHIN_MS, async () => {
      const ready = await fetch(`${services.reader.url}/readyz`)
      return ready.status === 200 && (await ready.text()).includes('version \\"999\\" of the table of models')
    })
    const written = await ask('PUT', { rows: [{ pattern: 'last', execution: 'api' }] })
    assert.deepEqual(written.body, { updated: true, version: Number(before.body['version']) + 1 })
  })
})
