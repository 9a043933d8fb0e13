import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { inboxCommandCodec, inboxHeartbeatCodec } from '../../schemas/avro.ts'
import { formatUuid, partitionOfNode } from '../../schemas/ids.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { CommandKind, InboxCommand, InboxHeartbeat } from '../../schemas/records.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { command, heartbeat } from '../support/records/inbox-requests.ts'
import { environmentOf, install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { UsageMaker, nodesOf, openUsageProducer, usageRecord } from '../support/records/produce.ts'
import { freePort, startService, startServices } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'
import { verified } from '../support/oracles/verified.ts'
import type { Summary } from '../faults/checker/check.ts'
import { eventLine } from '../faults/usage/history.ts'

const PARTITIONS = 2
const NODES_PER_PARTITION = 5
const SENDS = 60
const EVENTS_PER_SEND = 50
const EVENTS = SENDS * EVENTS_PER_SEND
const CHECK_TIMEOUT_MS = 120_000

interface Checked {
  readonly exitCode: number
  readonly lines: readonly string[]
  readonly summary: Summary
}

describe('the checker on a run of the real services', () => {
  let installation: Installation
  const maker = new UsageMaker(7, systemRandom.bytes(8))
  const nodes = Array.from({ length: PARTITIONS }, (_, p) =>
    nodesOf(p, PARTITIONS, NODES_PER_PARTITION),
  ).flat()

  before(async () => {
    installation = await install({ name: 'checker', partitions: PARTITIONS })
    await runAndDrain()
  })
  after(() => installation.dispose())

  /**
   * Sends events, queries a reader all the time, kills an aggregator and a settler in between, and lets everything
   * finish.
   */
  async function runAndDrain(): Promise<void> {
    const services = await startServices(installation, 'aggregator', 'settler', 'loader')
    const reader = await startReader()
    const over = new AbortController()
    const reading = askReader(reader.url, over.signal)
    const producer = openUsageProducer(installation)
    const { kafka, topics } = installation
    const inbox = new IdempotentProducer({ ...kafka, topic: topics.accountInbox, metrics: noMetrics })
    for (let send = 0; send < SENDS; send++) {
      const events = Array.from({ length: EVENTS_PER_SEND }, () =>
        maker.event(nodes[send % nodes.length] ?? ''),
      )
      const [first] = events as [UsageEvent]
      await sendAll([...events, first])
      if (send % 10 === 0) await sendAll([{ ...first, tokens_in: first.tokens_in + 1 }], { conflict: true })
      if (send % 5 === 0) await askAll(send)
      if (send === SENDS / 3) await services.aggregator.kill()
      if (send === SENDS / 2) await services.settler.kill()
    }
    await inbox.stop()
    note('events-2.jsonl', { ...eventLine(maker.event(nodes[0] ?? '')), outcome: 'refused' })
    note('events-2.jsonl', { ...eventLine(maker.event(nodes[0] ?? '')), outcome: 'unknown' })
    const again = await Promise.all(
      (['aggregator', 'settler'] as const).map((name) => startService(installation, name)),
    )
    await until('all events to be loaded', 60_000, async () => {
      const { rows } = await installation.row<{ rows: string }>('SELECT count() AS rows FROM usage_events')
      return Number(rows) === EVENTS
    })
    await verified(installation)
    over.abort()
    await reading
    await producer.stop()
    reader.child.kill('SIGKILL')
    for (const service of [...again, services.loader]) await service.stop()

    /** For the first node of each partition: a heartbeat, a limit, a reservation and a settlement. */
    async function askAll(send: number): Promise<void> {
      for (const node of [nodes[0] ?? '', nodes[NODES_PER_PARTITION] ?? '']) {
        const reservation_id = `kept-${send}`
        const limit = send % 2 === 0 ? 60_000_000 : 5_000_000_000
        const changes = [{ name: 'metered_daily_limit_usd' as const, value: limit }]
        const reserve = { cost_nano_usd: 1_000_000, ttl_ms: 5_000, reservation_id }
        const requests = [
          heartbeat(send, { node_id: node, agent_count: send, ad_impressions: 7 }),
          commandOf(node, 'settings', { changes }),
          commandOf(node, 'reserve', reserve),
          commandOf(node, 'settle', {}),
        ]
        const partition = partitionOfNode(node, PARTITIONS)
        await inbox.append(
          requests.map((one) => ({
            partition,
            key: node,
            value: 'kind' in one ? inboxCommandCodec.encode(one) : inboxHeartbeatCodec.encode(one),
          })),
        )
        for (const one of requests) note('commands-1.jsonl', requestLine(one))
      }
    }

    async function sendAll(events: readonly UsageEvent[], beside: object = {}): Promise<void> {
      const byPartition = Map.groupBy(events, ({ node_id }) => partitionOfNode(node_id, PARTITIONS))
      await producer.append([...byPartition].map(([partition, some]) => usageRecord(partition, some)))
      for (const event of events)
        note('events-1.jsonl', { ...eventLine(event), outcome: 'accepted', ...beside })
      await systemClock.delay(100)
    }
  }

  function note(file: string, line: object): void {
    appendFileSync(`${installation.dir}/${file}`, `${JSON.stringify(line)}\n`)
  }

  async function startReader() {
    const port = await freePort()
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../services/reader/main.ts', import.meta.url))],
      {
        stdio: ['pipe', 'ignore', 'inherit'],
        env: environmentOf({
          ...installation.environment,
          HIVEMETER_WATCH_PARENT: '1',
          HIVEMETER_READER_PORT: String(port),
        }),
      },
    )
    return { child, url: `http://127.0.0.1:${port}` }
  }

  async function askReader(url: string, signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted; turn++) {
      const node = nodes[turn % nodes.length] ?? ''
      const mode = turn % 2 === 0 ? 'compatible' : 'corrected'
      await ask('provider', node, `${url}/api/settings/compute/provider?node_id=${node}&mode=${mode}`)
      await ask('usage', node, `${url}/api/usage?node_id=${node}&window=1m&group_by=model_id`)
      await ask('wallet', node, `${url}/api/wallets/operator-of-${node}`)
      await systemClock.delay(20)
    }
  }

  async function ask(route: string, node: string, url: string): Promise<void> {
    const sentMs = systemClock.nowMs()
    const answer = await fetch(url).catch(() => null)
    if (answer?.status !== 200) return
    const body: unknown = await answer.json()
    note('answers-1.jsonl', { atMs: systemClock.nowMs(), sentMs, reader: 'reader-1', route, node, body })
  }

  async function checked(): Promise<Checked> {
    const { kafka, environment, database, prefix, dir } = installation
    const args = [
      '--history',
      dir,
      '--brokers',
      kafka.brokers.join(','),
      '--database',
      database,
      '--prefix',
      prefix,
    ]
    args.push(
      '--clickhouse-url',
      environment['HIVEMETER_CLICKHOUSE_URL'] ?? '',
      '--partitions',
      String(PARTITIONS),
    )
    const main = fileURLToPath(new URL('../faults/checker/main.ts', import.meta.url))
    return await new Promise((resolve, reject) => {
      execFile(process.execPath, [main, ...args], { timeout: CHECK_TIMEOUT_MS }, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : error.code
        if (typeof exitCode !== 'number' || exitCode === 1) {
          reject(new Error(`the checker ended with ${String(exitCode)}: ${stderr}`))
          return
        }
        const lines = stdout.trimEnd().split('\n')
        resolve({ exitCode, lines, summary: JSON.parse(lines.pop() ?? '') as Summary })
      })
    })
  }

  it('finds nothing wrong, and has looked at something', async (t) => {
    const { exitCode, lines, summary } = await checked()
    assert.deepEqual(lines, [])
    assert.equal(exitCode, 0)
    const { events, unknown, refused } = summary
    assert.deepEqual([events, unknown, refused, summary.checked.rows], [EVENTS, 1, 1, EVENTS])
    const { decidedByFence, replicas, ...looked } = summary.checked
    assert.equal(
      replicas,
      0,
      'the disks of the shared broker are not told; check-replicas.test.ts reads some',
    )
    assert.equal(decidedByFence, 0)
    for (const [what, count] of Object.entries(looked)) assert.ok(count > 0, `no ${what} were checked`)
    t.diagnostic(JSON.stringify(summary))
  })

  it('names what was done to tables and history behind its back', async () => {
    const { clickhouse } = installation
    await clickhouse.command(
      'INSERT INTO usage_events SELECT * FROM usage_events ORDER BY node_id, event_id LIMIT 1',
    )
    await clickhouse.command(
      'INSERT INTO cost_decisions SELECT * FROM cost_decisions ORDER BY node_id, cost_seq LIMIT 1',
    )
    note('events-3.jsonl', { ...eventLine(maker.event(nodes[1] ?? '')), outcome: 'accepted' })
    const { exitCode, lines, summary } = await checked()
    assert.equal(exitCode, 6)
    const { lost, countedTwice, paidTwice, differences } = summary
    assert.deepEqual([lost, countedTwice, paidTwice], [1, 1, 1], lines.join('\n'))
    assert.ok(differences > 0, 'a row that stands twice is in no window')
  })
})

function commandOf(node: string, kind: CommandKind, fields: Partial<InboxCommand>): InboxCommand {
  return command(kind, { ...fields, node_id: node, command_id: formatUuid(systemRandom.bytes(16)) })
}

function requestLine(request: InboxCommand | InboxHeartbeat): object {
  const isCommand = 'kind' in request
  return {
    node: request.node_id,
    id: isCommand ? request.command_id.replaceAll('-', '') : request.heartbeat_hash.toString('hex'),
    kind: isCommand ? request.kind : 'heartbeat',
    at: systemClock.nowMs(),
    outcome: 'accepted',
    reservation: isCommand ? request.reservation_id : null,
    impressions: isCommand ? 0 : request.ad_impressions,
  }
}
