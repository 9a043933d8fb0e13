import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { KeyRing } from '../../services/access/key-ring.ts'
import { NOW } from '../../services/gateway/app-fixture.ts'
import { accessBy, addKey } from '../support/records/access-keys.ts'
import { WHOLE_NOW_MS } from '../support/memory/whole-reader.ts'
import { BODIES } from '../support/records/inventory/inventory-commands.ts'
import { DAY_MS } from '../../schemas/units.ts'
import { OWN_NODE, PATH_PARAMETERS, startBothServers } from '../support/servers/both-servers.ts'
import type { BothServers, Server } from '../support/servers/both-servers.ts'
import { bare, callsOf, typeOf } from './generated-calls.ts'
import type { Answer, Call, Own } from './generated-calls.ts'
import { GENERATORS, writeWork } from './generators.ts'
import type { Generator, Served } from './generators.ts'
import { toolMissing } from './tools.ts'

// Clients that are generated from the documents as the servers send them: each client compiles, calls each of its
// operations and reads the answer. A new route is called without a change here, unless its values cannot be guessed.

const SETUP_MAX_MS = 10 * 60_000

/** A node that may reserve. */
const SETTINGS = { allow_metered_for_hive: true, metered_daily_limit_usd: 10 }
const NO_SUCH_EVENT = 'usage.metered:0:1'

/** Writes that find nothing: the client must read their answer as a problem. */
const PROBLEMS: Readonly<Record<string, number>> = {
  postUsageSetAsideByIdReplay: 404,
  // An admin's key stands for no node.
  getFleetNodesSelf: 403,
  // The machine stands somewhere already, and what it needs cannot end.
  postFleetAssignments: 409,
  deleteFleetLocationsById: 409,
  deleteFleetContainersById: 409,
  deleteFleetSlotsById: 409,
  deleteFleetNodesById: 409,
  deleteFleetModelsById: 409,
  deleteFleetWorkersById: 409,
}

for (const generator of GENERATORS) {
  describe(generator.name, () => {
    const reason = toolMissing(generator.tools)
    if (reason !== undefined) process.stdout.write(`${generator.name} is passed over: ${reason}\n`)
    const skip = reason ?? false
    const cleanup = new AsyncDisposableStack()
    let dir = ''
    let key = ''
    let served: readonly Served[] = []

    before(
      async () => {
        if (reason !== undefined) return
        dir = await mkdtemp(join(tmpdir(), 'hivemeter-generated-'))
        cleanup.defer(() => rm(dir, { recursive: true, force: true }))
        const ring = new KeyRing()
        key = addKey(ring, { scopes: ['admin'] })
        const both = cleanup.use(
          await startBothServers({ access: accessBy(ring), requestClock: systemClock }),
        )
        served = await listening(both, key)
        await generator.install(dir)
      },
      { timeout: SETUP_MAX_MS },
    )
    after(() => cleanup.disposeAsync())

    it('makes clients of both documents that compile', { skip }, async () => {
      for (const server of served) {
        await writeWork(dir, server)
        await generator.generate(dir, server)
      }
      await generator.compile(dir, served)
    })

    for (const name of ['gateway', 'reader'] as const) {
      it(`calls every operation of the ${name} and reads what it answers`, { skip }, async () => {
        const server = served.find((other) => other.name === name)
        assert.ok(server !== undefined)
        await assertAnswers(generator, dir, server, key)
      })
    }
  })
}

/** The smallest batch of which something is taken: the smallest that its document allows has an item that says nothing. */
const TELEMETRY = {
  provider_id: 'krill',
  location_id: 'barn',
  node_id: OWN_NODE,
  epoch: 1,
  first_seq: 1,
  lane: 'live',
  low: { epoch: 1, seq: 1 },
  interval_s: 30,
  items: [{ poll: { observed_at: new Date(NOW).toISOString(), serial: 'HM-1', result: 'ok' } }],
}

const HERE = PATH_PARAMETERS['provider'] ?? ''
const SCOPE = { scope: 'location', location: HERE, target: 'off' }

/** New entities beside those that are there: their fields name others, zones and times, which cannot be guessed. */
const ENTITIES: Readonly<Record<string, Own>> = {
  postFleetLocations: { body: BODIES.location },
  postFleetContainers: { body: { ...BODIES.container, location: HERE } },
  postFleetSlots: { body: { container: HERE, label: 'Left' } },
  postFleetNodes: { body: { location: HERE, name: 'Shed' } },
  postFleetWorkers: { body: { asset_code: 'A-2' } },
  postFleetIdentities: { body: { worker: HERE, kind: 'serial', value: 'HM-2' } },
  postFleetAssignments: { body: { worker: HERE, location: HERE } },
  postFleetCustomers: { body: BODIES.customer },
  postFleetWindows: {
    body: { ...SCOPE, kind: 'grid', starts_at: new Date(WHOLE_NOW_MS + DAY_MS).toISOString() },
  },
  postFleetTickets: { body: { worker: HERE, kind: 'fan', state: 'open' } },
  patchFleetProvidersById: { body: { name: 'Krill and sons' } },
  patchFleetLocationsById: { body: { region: 'North' } },
  patchFleetContainersById: { body: { cooling: 'air' } },
  patchFleetSlotsById: { body: { row: 2 } },
  patchFleetNodesById: { body: { name: 'Attic' } },
  patchFleetModelsById: { body: { fans: 4 } },
  patchFleetWorkersById: { body: { interval_s: 60 } },
  patchFleetIdentitiesById: { body: { value: 'HM-1' } },
  patchFleetAssignmentsById: { body: { node: HERE } },
  patchFleetCustomersById: { body: { state: 'suspended' } },
  patchFleetWindowsById: { body: { target: 'off' } },
  patchFleetTicketsById: { body: { state: 'done' } },
}

/** Both servers on ports of their own, with a reservation that a client can delete. */
async function listening({ servers }: BothServers, key: string): Promise<readonly Served[]> {
  const served: Served[] = []
  for (const { name, app, document } of servers) {
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const owns: Readonly<Record<string, Own>> =
      name === 'gateway'
        ? { postFleetTelemetry: { body: TELEMETRY } }
        : {
            ...ENTITIES,
            putSettingsCompute: { body: SETTINGS },
            deleteExposureReservationsById: { parameters: { id: await reserved(app, key) } },
            postUsageSetAsideByIdReplay: { parameters: { id: NO_SUCH_EVENT } },
          }
    served.push({ name, url, document, calls: callsOf(document, NOW, owns) })
  }
  return served
}

async function reserved(app: Server['app'], key: string): Promise<string> {
  const headers = { authorization: `Bearer ${key}` }
  const query = { node_id: OWN_NODE }
  await app.inject({ method: 'PUT', url: '/api/settings/compute', query, headers, payload: SETTINGS })
  const payload = { usd: 1 }
  const url = '/api/exposure/reservations'
  const answer = await app.inject({ method: 'POST', url, query, headers, payload })
  assert.equal(answer.statusCode, 201, answer.body)
  return answer.json<{ id: string }>().id
}

async function assertAnswers(generator: Generator, dir: string, served: Served, key: string): Promise<void> {
  const { document, calls } = served
  const sent = await Promise.all(
    calls
      .filter(({ method }) => method === 'get')
      .map(async (call) =>
        PROBLEMS[call.operationId] === undefined ? await sentBy(served, call, key) : undefined,
      ),
  )
  const lines = (await generator.call(dir, served, key)).trim().split('\n')
  const answers = lines.map((line) => JSON.parse(line) as Answer)
  assert.deepEqual(
    answers.map(({ operationId }) => operationId),
    calls.map(({ operationId }) => operationId),
  )
  for (const [index, { operationId, status = 0, type, value, error }] of answers.entries()) {
    const call = calls[index] as Call
    const summary = `${operationId}: ${status} ${JSON.stringify(value)?.slice(0, 500)}`
    assert.equal(error, undefined, operationId)
    if (PROBLEMS[operationId] === undefined) assert.ok(status >= 200 && status < 300, summary)
    else assert.equal(status, PROBLEMS[operationId], summary)
    const expected = typeOf(document, call, status)
    // A model with arbitrary members may have a name that the generator invented.
    if (expected === 'object') assert.ok(!['list', 'text', 'nothing'].includes(type ?? ''), summary)
    else assert.equal(type, expected, summary)
    if (sent[index] !== undefined && !VARYING.has(operationId))
      assert.deepEqual(bare(value), bare(sent[index]), operationId)
  }
}

/** These give another answer at another time. */
const VARYING: ReadonlySet<string> = new Set(['getMetrics', 'getSocialHostingLeaderboard'])

async function sentBy({ url }: Served, { path, parameters }: Call, key: string): Promise<unknown> {
  const query = new URLSearchParams()
  let filled = path
  for (const { name, in: place, value } of parameters)
    if (place === 'query') query.set(name, value)
    else filled = filled.replace(`{${name}}`, encodeURIComponent(value))
  const answer = await fetch(`${url}${filled}?${query.toString()}`, {
    headers: { authorization: `Bearer ${key}` },
  })
  const text = await answer.text()
  assert.equal(answer.status, 200, `${filled}: ${text}`)
  return answer.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : text
}
