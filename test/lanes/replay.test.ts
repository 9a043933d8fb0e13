import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { LogAppend } from '../../pipelines/log/records.ts'
import { FORWARDED_HEADER, USAGE_BOUNDS } from '../../schemas/usage.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { install } from '../support/processes/installation.ts'
import type { CommandEnd, Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, usageRecord } from '../support/records/produce.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'

const PARTITIONS = 2
const ARRIVES_WITHIN_MS = 20_000

interface Line {
  readonly letter: string
  readonly reason: string
  event: Record<string, unknown> | null
}

describe('replay', () => {
  let installation: Installation
  let services: Record<'aggregator' | 'settler' | 'loader', ServiceProcess>
  const maker = new UsageMaker(5, systemRandom.bytes(8))
  const [node = ''] = nodesOf(0, PARTITIONS, 1)
  const [foreign = ''] = nodesOf(1, PARTITIONS, 1)
  const counted = maker.event(node)
  const misplaced = maker.event(foreign, { cost_nano_usd: 1_000_000_000, task_source: 'hive' })
  const broken = maker.event(node, {
    goal_id: '',
    occurred_at: systemClock.nowMs() - USAGE_BOUNDS.ageMsMax + 60_000,
  })
  const export1 = (): string => join(installation.dir, 'letters.jsonl')

  before(async () => {
    installation = await install({ name: 'replay', partitions: PARTITIONS })
    const producer = openUsageProducer(installation)
    await producer.append([
      sentOnAlready([counted, broken, misplaced]),
      { partition: 0, key: null, value: Buffer.from('not ours') },
      usageRecord(0, [{ ...counted, tokens_in: counted.tokens_in + 1 }]),
    ])
    await producer.stop()
    services = await startServices(installation, 'aggregator', 'settler', 'loader')
    await until('three dead letters', ARRIVES_WITHIN_MS, async () => (await rows('dead_letters')) === 3)
  })

  after(async () => {
    await Promise.all(Object.values(services).map((service) => service.stop()))
    await installation.dispose()
  })

  it('says what it would do and does nothing', async () => {
    const { exitCode, output } = await replay('--dry-run')
    const topic = installation.topics.usageMetered
    assert.equal(exitCode, 1)
    assert.match(output, new RegExp(`^${topic}/0/\\d event 1: refused: invalid_id /goal_id:`, 'm'))
    assert.match(output, new RegExp(`^${topic}/0/\\d event 2: would be put back for ${foreign}$`, 'm'))
    assert.match(output, new RegExp(`^${topic}/0/\\d: refused: framing:`, 'm'))
    assert.match(
      output,
      new RegExp(`^${topic}/0/\\d event 0: nothing to do: an event of ${node} is counted`, 'm'),
    )
    assert.match(output, /^3 dead letters: 1 events would be put back, 1 counted already, 2 refused$/m)
    assert.equal(await rows('usage_events'), 1)
  })

  it('puts back what only stood in the wrong place, once', async () => {
    const { exitCode, output } = await replay('--reason', 'wrong_partition')
    assert.equal(exitCode, 1, 'the other event of the record is refused still')
    assert.match(output, /^1 dead letters: 1 events put back, 0 counted already, 1 refused$/m)
    await until('the event', ARRIVES_WITHIN_MS, async () => (await rows('usage_events')) === 2)
    await until('its cost', ARRIVES_WITHIN_MS, async () => (await rows('cost_decisions')) > 0)
  })

  it('puts back what was mended in a file', async () => {
    const exported = await replay('--export', export1())
    assert.equal(exported.exitCode, 0, exported.output)
    const lines = readFileSync(export1(), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
    assert.deepEqual(lines.map(({ reason }) => reason).sort(), [
      'conflict',
      'framing',
      'invalid_text',
      'wrong_partition',
    ])
    for (const line of lines) {
      if (line.reason === 'invalid_text' && line.event !== null) delete line.event['goal_id']
      if (line.reason === 'conflict' && line.event !== null)
        line.event['event_id'] = 'a second event after all'
      if (line.reason === 'framing')
        line.event = { ...lines[0]?.event, event_id: 'written by hand', goal_id: null }
    }
    writeFileSync(export1(), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))

    const refused = await replay('--export', export1())
    assert.equal(refused.exitCode, 1, 'an edited file is never overwritten')
    const { exitCode, output } = await replay('--file', export1())
    assert.equal(exitCode, 0, output)
    assert.match(output, /^3 dead letters: 3 events put back, 1 counted already, 0 refused$/m)
    await until('the events', ARRIVES_WITHIN_MS, async () => (await rows('usage_events')) === 5)
  })

  it('counts once what is put back again before it is seen', async () => {
    await services.loader.stop()
    const letter = maker.event(foreign)
    const producer = openUsageProducer(installation)
    await producer.append([sentOnAlready([letter])])
    await producer.stop()
    services = { ...services, ...(await startServices(installation, 'loader')) }
    await until('the letter', ARRIVES_WITHIN_MS, async () => (await rows('dead_letters')) === 4)
    await services.loader.stop()
    const id = `${installation.topics.usageMetered}/0/${await newestLetter()}`
    for (const _time of [1, 2]) {
      const { output } = await replay('--id', id)
      assert.match(output, /^1 dead letters: 1 events put back, 0 counted already, 0 refused$/m)
    }
    services = { ...services, ...(await startServices(installation, 'loader')) }
    await until('the event', ARRIVES_WITHIN_MS, async () => (await rows('usage_events')) === 6)
    await verified(installation)
    assert.equal(await rows('usage_events'), 6)
    assert.equal(await rows('dead_letters'), 4)
  })

  it('counts an event that is too old today and was not when it was refused', async () => {
    const dayMs = 86_400_000
    const nowMs = systemClock.nowMs()
    const old = maker.event(foreign, { occurred_at: nowMs - USAGE_BOUNDS.ageMsMax - dayMs / 2 })
    await installation.clickhouse.command(
      `INSERT INTO dead_letters (src_topic, src_partition, src_seq, topic, partition, record_offset, received_at,
         set_aside_at, key, value, header_names, header_values, reasons, indexes, details)
       SELECT 'by hand', 0, 1, {topic:String}, 0, 1000000, fromUnixTimestamp64Milli({receivedMs:Int64}),
         now64(3), NULL, base64Decode({value:String}), [], [], ['wrong_partition'], [0], ['']`,
      {
        topic: installation.topics.usageMetered,
        receivedMs: nowMs - dayMs,
        value: usageRecord(0, [old]).value?.toString('base64') ?? '',
      },
    )
    const { exitCode, output } = await replay('--to', new Date(nowMs - dayMs + 1).toISOString())
    assert.equal(exitCode, 0, output)
    assert.match(output, /^1 dead letters: 1 events put back, 0 counted already, 0 refused$/m)
    await until('the event', ARRIVES_WITHIN_MS, async () => (await rows('usage_events')) === 7)
    await installation.clickhouse.command(
      "ALTER TABLE dead_letters DELETE WHERE src_topic = 'by hand'",
      {},
      { mutations_sync: 1 },
    )
    await verified(installation)
  })

  it('names what cannot be asked for', async () => {
    for (const [args, exitCode, message] of [
      [['--from', 'yesterday'], 2, /"yesterday" is no time/],
      [['--file', join(installation.dir, 'none.jsonl')], 2, /none\.jsonl cannot be used: ENOENT/],
      [['--ids', 'x'], 2, /Unknown option '--ids'/],
    ] as const) {
      const end = await replay(...args)
      assert.equal(end.exitCode, exitCode)
      assert.match(end.output, message)
    }
    const nothing = await installation.command('replay')
    assert.equal(nothing.exitCode, 2)
    assert.match(nothing.output, /Nothing to replay/)
  })

  /** A record whose events are dead letters on a wrong partition: they are not sent on twice. */
  function sentOnAlready(events: readonly UsageEvent[]): LogAppend {
    return { ...usageRecord(0, events), headers: { [FORWARDED_HEADER]: '1' } }
  }

  function replay(...args: readonly string[]): Promise<CommandEnd> {
    return installation.command('replay', ['--dead-letters', ...args])
  }

  async function rows(table: string): Promise<number> {
    return Number((await installation.row<{ count: string }>(`SELECT count() AS count FROM ${table}`)).count)
  }

  async function newestLetter(): Promise<string> {
    const sql = 'SELECT max(record_offset) AS newest FROM dead_letters'
    return (await installation.row<{ newest: string }>(sql)).newest
  }
})
