import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { SCHEMA_ID, schemaIdOf, usageEventsCodec } from '../../schemas/avro.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { startService } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'

const CLIENTS = 24
const DRAIN_S = 2
/** How often a balancer checks, and how long it takes to route elsewhere: less than the drain. */
const LOOKS_EVERY_MS = 100
const LOAD_BEFORE_MS = 1_000
const SOON_MS = 20_000

interface Sent {
  readonly status: number
  readonly atMs: number
  readonly closes: boolean
}

/** One request on a kept connection; rejects where the connection is reset or refused. `pauseMs` before its last byte. */
function post(url: string, agent: Agent, body: string, pauseMs = 0): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sending = request(`${url}/v1/events`, { method: 'POST', agent, headers }, (answer) => {
      const { statusCode: status = 0, headers: answered } = answer
      answer.on('error', reject).on('end', () => {
        resolve({ status, atMs: systemClock.monotonicMs(), closes: answered.connection === 'close' })
      })
      answer.resume()
    })
    sending.on('error', reject)
    sending.write(body.slice(0, -1))
    void systemClock.delay(pauseMs).then(() => sending.end(body.slice(-1)))
  })
}

function event(): string {
  return JSON.stringify({
    event_id: systemRandom.bytes(16).toString('hex'),
    node_id: 'drained',
    model_id: 'gpt-4.1',
    task_source: 'own',
    occurred_at: systemClock.nowMs(),
  })
}

describe('a gateway that is asked to end under load', () => {
  let installation: Installation
  let gateway: ServiceProcess

  before(async () => {
    installation = await install({ name: 'drain' })
    const settings = { HIVEMETER_DRAIN_S: String(DRAIN_S) }
    gateway = await startService(installation, 'gateway', { settings })
    await gateway.ready()
  })
  after(() => installation.dispose())

  it('is unready first, answers everything, resets nobody, and loses nothing', async (t) => {
    const sent: Sent[] = []
    const failures: string[] = []
    const routed = new AbortController()
    /** Sends one request after the other, for as long as the balancer routes to any instance. */
    const client = async (): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      while (!routed.signal.aborted) {
        await post(gateway.url, agent, event()).then(
          (answer) => sent.push(answer),
          (error: Error) => failures.push(error.message),
        )
      }
      agent.destroy()
    }
    const clients = Array.from({ length: CLIENTS }, client)
    await systemClock.delay(LOAD_BEFORE_MS)
    // Its last byte comes when the drain is nearly over.
    const slow = post(gateway.url, new Agent(), event(), DRAIN_S * 500)
    await until('some requests to be answered', SOON_MS, () => sent.length > CLIENTS * 4)
    const endMs = systemClock.monotonicMs()
    gateway.signal('SIGTERM')
    await until('the gateway to be unready', SOON_MS, async () => {
      await systemClock.delay(LOOKS_EVERY_MS)
      return (await gateway.readiness())?.status === 'not ready'
    })
    const unreadyMs = systemClock.monotonicMs()
    await systemClock.delay(LOOKS_EVERY_MS * 3)
    routed.abort()
    await Promise.all(clients)

    assert.equal((await slow).status, 202)
    assert.ok(await gateway.endsWithin(SOON_MS), gateway.lastWords)
    assert.equal(gateway.ended, 0, gateway.lastWords)
    assert.ok(systemClock.monotonicMs() - endMs >= DRAIN_S * 1_000, 'it ended before its drain')
    assert.deepEqual(failures, [])
    assert.deepEqual(new Set(sent.map(({ status }) => status)), new Set([202]))
    const late = sent.filter(({ atMs }) => atMs > unreadyMs)
    assert.ok(late.length > 0, 'nobody was answered after it said that it is not ready')
    assert.ok(
      late.every(({ closes }) => closes),
      'an answer of the drain left its connection open',
    )
    assert.equal(await eventsInTheLog(), sent.length + 1)
    t.diagnostic(`${sent.length} requests answered with 202, ${late.length} of them after it was unready`)
  })

  async function eventsInTheLog(): Promise<number> {
    let events = 0
    for (let partition = 0; partition < installation.partitions; partition++) {
      for (const { value } of await installation.records('usageMetered', partition))
        if (schemaIdOf(value) === SCHEMA_ID.usageEvents && value !== null)
          events += usageEventsCodec.decode(value).events.length
    }
    return events
  }
})
