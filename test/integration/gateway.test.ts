import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { startKafka } from '../../infra/local/kafka/start.ts'
import type { LocalKafka } from '../../infra/local/kafka/start.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { ensureTopics } from '../../pipelines/kafka/kafkajs/admin.ts'
import { loadConfig } from '../../services/runtime/config.ts'
import { firstLayout } from '../../services/runtime/layout.ts'
import { writeFirstLayout } from '../../services/migrate/first-layout.ts'
import { readPartition } from '../../pipelines/kafka/read.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { SCHEMA_ID, schemaIdOf, usageEventsCodec } from '../../schemas/avro.ts'
import { partitionOfNode } from '../../schemas/ids.ts'
import { TOPICS } from '../../schemas/topics.ts'
import { environmentOf } from '../support/processes/installation.ts'
import { until } from '../support/until.ts'

// A Kafka for this test alone: it is frozen and killed here.
const PORT = 26_500
const CONTROLLER_PORT = 26_501
const GATEWAY_PORT = 26_502
const PARTITIONS = 3
const READY_TIMEOUT_MS = 30_000
const MAIN = fileURLToPath(new URL('../../services/gateway/main.ts', import.meta.url))
const URL_OF_GATEWAY = `http://127.0.0.1:${GATEWAY_PORT}`

interface Sent {
  readonly event_id: string
  readonly node_id: string
  readonly [field: string]: unknown
}

interface Answer {
  readonly status: number
  readonly code?: string
  readonly accepted?: number
  readonly unknown?: readonly number[]
  readonly not_taken?: readonly number[]
}

describe('the gateway on a real broker', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'hivemeter-gateway-'))
  const kafkaPlace = { dataDir, port: PORT, controllerPort: CONTROLLER_PORT }
  const brokers = [`127.0.0.1:${PORT}`]
  const kafkaOptions = {
    brokers,
    clientId: 'gateway-test',
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  }
  let kafka: LocalKafka | undefined
  let gateway: ChildProcess
  let exited: Promise<number | null>
  /** Every event that was answered as accepted. */
  const accepted = new Map<string, Sent>()

  before(() => {
    gateway = spawn(process.execPath, [MAIN], {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: environmentOf({
        HIVEMETER_ACCESS: 'off',
        HIVEMETER_KAFKA_BROKERS: brokers.join(','),
        HIVEMETER_GATEWAY_PORT: String(GATEWAY_PORT),
        HIVEMETER_PARTITIONS: String(PARTITIONS),
        HIVEMETER_WATCH_PARENT: '1',
      }),
    })
    exited = new Promise((resolve) => {
      gateway.once('exit', resolve)
    })
  })
  after(async () => {
    gateway.kill('SIGKILL')
    await kafka?.kill()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const readiness = async () => {
    const answer = await fetch(`${URL_OF_GATEWAY}/readyz`).catch(() => undefined)
    return answer && { status: answer.status, body: await answer.text() }
  }
  const ready = () =>
    until('the gateway to be ready', READY_TIMEOUT_MS, async () => (await readiness())?.status === 200)

  function makeEvents(count: number): Sent[] {
    const label = systemRandom.bytes(6).toString('hex')
    return Array.from({ length: count }, (_, index) => ({
      event_id: `${label}-${index}`,
      node_id: `node-${index % 40}`,
      model_id: 'llama',
      task_source: 'hive',
      occurred_at: systemClock.nowMs() - index,
      tokens_in: index,
      actual_usd_cost: '0.000000001',
    }))
  }

  async function post(events: readonly Sent[], packed = false): Promise<Answer> {
    const text = JSON.stringify(events)
    const answer = await fetch(`${URL_OF_GATEWAY}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(packed && { 'content-encoding': 'gzip' }) },
      body: packed ? gzipSync(text) : text,
    })
    const body = (await answer.json()) as Omit<Answer, 'status'>
    const missing = new Set([...(body.unknown ?? []), ...(body.not_taken ?? [])])
    if (body.accepted !== undefined) {
      for (const [index, event] of events.entries()) {
        if (!missing.has(index)) accepted.set(event.event_id, event)
      }
    }
    return { status: answer.status, ...body }
  }

  /** How often each event is in the log; each must be in the partition of its node. */
  function logged(): Promise<{ copies: Map<string, number>; records: number }> {
    // A broker that was frozen or killed leads its partitions again only after a moment.
    return until('the log to be readable', READY_TIMEOUT_MS, () =>
      readLog().catch((error: unknown) => {
        if (error instanceof Error && 'retriable' in error && error.retriable === true) return undefined
        throw error
      }),
    )
  }

  async function readLog(): Promise<{ copies: Map<string, number>; records: number }> {
    const copies = new Map<string, number>()
    let records = 0
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      for await (const batch of readPartition({
        ...kafkaOptions,
        topic: TOPICS.usageMetered.name,
        partition,
      })) {
        for (const { value, key } of batch) {
          if (schemaIdOf(value) !== SCHEMA_ID.usageEvents) continue
          records += 1
          const { events } = usageEventsCodec.decode(value as Buffer)
          assert.equal(key?.toString(), events[0]?.node_id)
          for (const { event_text, node_id, tokens_in, cost_nano_usd } of events) {
            assert.equal(partitionOfNode(node_id, PARTITIONS), partition)
            assert.equal(tokens_in, Number(event_text?.split('-')[1]))
            assert.equal(cost_nano_usd, 1)
            copies.set(event_text ?? '', (copies.get(event_text ?? '') ?? 0) + 1)
          }
        }
      }
    }
    return { copies, records }
  }

  it('answers 503 and says for what it waits until there is a broker, then takes events', async () => {
    const waiting = await until('the gateway to listen', READY_TIMEOUT_MS, readiness)
    assert.equal(waiting.status, 503)
    assert.match(waiting.body, /Kafka at 127\.0\.0\.1:26500 to take a record of usage\.metered/)
    assert.deepEqual((await post(makeEvents(1))).code, 'log_unavailable')

    kafka = await startKafka(kafkaPlace)
    const topics = { prefix: '', partitions: PARTITIONS, replicationFactor: 1, retention: 'size' } as const
    await ensureTopics({ ...kafkaOptions, ...topics })
    const environment = { HIVEMETER_KAFKA_BROKERS: kafkaOptions.brokers.join(',') }
    await writeFirstLayout(loadConfig({ environment }), firstLayout(PARTITIONS))
    await ready()
    assert.deepEqual(await post(makeEvents(1)), { status: 202, accepted: 1, rejected: [], rounded: 0 })
  })

  it('puts what it accepted into the log once, many events of many requests into one record', async (t) => {
    const before = (await logged()).records
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, turn) => post(makeEvents(200), turn % 2 === 0)),
    )
    for (const { status } of answers) assert.equal(status, 202)
    const { copies, records } = await logged()
    assert.equal(copies.size, accepted.size)
    assert.deepEqual(new Set(copies.values()), new Set([1]))
    // 60 requests over 3 partitions would be 180 records; how many there are depends on the broker's pace.
    t.diagnostic(`${records - before} records`)
    assert(records - before < 180, `${records - before} records`)
  })

  it('a frozen broker: unknown within seconds, then 503 at once; afterwards nothing accepted is missing', async () => {
    assert(kafka !== undefined)
    process.kill(kafka.pid, 'SIGSTOP')
    const events = makeEvents(300)
    const startedMs = systemClock.monotonicMs()
    const frozen = await post(events)
    const tookMs = systemClock.monotonicMs() - startedMs
    assert.deepEqual([frozen.status, frozen.code], [503, 'outcome_unknown'])
    assert.equal(frozen.unknown?.length, 300)
    assert(tookMs > 1_000 && tookMs < 4_000, `${tookMs} ms`)
    assert.equal((await post(makeEvents(1))).code, 'log_unavailable')
    assert.equal((await readiness())?.status, 503)

    process.kill(kafka.pid, 'SIGCONT')
    await ready()
    assert.equal((await post(events)).accepted, 300)
    const { copies } = await logged()
    for (const id of accepted.keys()) assert(copies.has(id), `${id} was accepted and is not in the log`)
  })

  it('kill -9 of the broker under load: every accepted event is in the log', async () => {
    const codes = new Set<string>()
    const over = new AbortController()
    const clients = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        const { status, code } = await post(makeEvents(100))
        codes.add(code ?? String(status))
        if (status !== 202) await systemClock.delay(100)
      }
    })
    await systemClock.delay(1_000)
    await kafka?.kill()
    await until('the gateway to notice', READY_TIMEOUT_MS, async () => (await readiness())?.status === 503)
    kafka = await startKafka(kafkaPlace)
    await ready()
    await systemClock.delay(1_000)
    over.abort()
    await Promise.all(clients)
    for (const code of codes) assert(['202', 'outcome_unknown', 'log_unavailable'].includes(code), code)
    const { copies } = await logged()
    const missing = [...accepted.keys()].filter((id) => !copies.has(id))
    assert.deepEqual(missing, [])
    assert(accepted.size > 12_000)
  })

  it('SIGTERM under load: ends with 0, and what it accepted is in the log', async () => {
    const startedMs = systemClock.monotonicMs()
    const clients = Array.from({ length: 4 }, async () => {
      for (;;) {
        const { status } = await post(makeEvents(100)).catch(() => ({ status: 0 }))
        if (status !== 202) return
      }
    })
    await systemClock.delay(300)
    gateway.kill('SIGTERM')
    assert.equal(await exited, 0)
    await Promise.all(clients)
    assert(systemClock.monotonicMs() - startedMs < 5_000)
    const { copies } = await logged()
    assert.deepEqual(
      [...accepted.keys()].filter((id) => !copies.has(id)),
      [],
    )
  })
})
