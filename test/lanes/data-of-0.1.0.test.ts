import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../pipelines/clock.ts'
import { adminKeyOf, unpackFolder } from '../fixtures/data-folder.ts'
import { NODES, WALLETS } from '../fixtures/requests-0.1.0.ts'
import { send } from '../fixtures/sent-requests.ts'
import type { Sender } from '../fixtures/sent-requests.ts'
import { environmentOf } from '../support/processes/installation.ts'
import { Supervised } from '../support/processes/supervised.ts'

const START_MS = 120_000
const STOP_MS = 15_000
const VERIFY_MS = 90_000
const DAY_MS = 86_400_000
/** Outcomes are kept for a day; a request that is sent close to its end may be answered after it. */
const OUTCOMES_KEPT_MS = DAY_MS - 10 * 60_000

interface Taken {
  readonly accepted?: number
  readonly rejected?: readonly { readonly code: string }[]
}

/**
 * Runs the programs of today on the data folder of 0.1.0. The folder ages, and log time is the broker's, so the test
 * asserts only what holds in any year: it starts, nothing counts twice, verify finds nothing. The answers of outcomes
 * hold for a day of log time: test/fixtures/outcomes-0.1.0.test.ts requests them at the time of the folder.
 */
describe('a data folder of 0.1.0', () => {
  const root = mkdtempSync(join(tmpdir(), 'hivemeter-0.1.0-'))
  const made = unpackFolder('0.1.0', root)
  const settings = {
    HIVEMETER_DATA_DIR: join(root, 'data'),
    HIVEMETER_SAMPLE_EVENTS_PER_SECOND: '0',
    HIVEMETER_READER_PORT: '26981',
    HIVEMETER_GATEWAY_PORT: '26982',
    HIVEMETER_AGGREGATOR_OPS_PORT: '26983',
    HIVEMETER_SETTLER_OPS_PORT: '26984',
    HIVEMETER_FLEET_OPS_PORT: '26980',
    HIVEMETER_LOADER_OPS_PORT: '26985',
    HIVEMETER_KAFKA_PORT: '26986',
    HIVEMETER_KAFKA_CONTROLLER_PORT: '26987',
    HIVEMETER_CLICKHOUSE_PORT: '26988',
  }
  const sender: Sender = {
    readerUrl: 'http://127.0.0.1:26981',
    gatewayUrl: 'http://127.0.0.1:26982',
    adminKey: adminKeyOf(root),
  }
  const ageMs = systemClock.nowMs() - made.made_at_ms
  const start = new Supervised('start', settings)

  before(() => start.prints('Ctrl-C stops everything.', START_MS))
  after(async () => {
    await start.end('SIGTERM', STOP_MS)
    rmSync(root, { recursive: true, force: true })
  })

  async function get(path: string): Promise<Record<string, unknown>> {
    return (await send(sender, { service: 'reader', method: 'GET', path })).body as Record<string, unknown>
  }

  async function sameNumbers(): Promise<void> {
    for (const node of Object.values(NODES)) {
      const view = await get(`/api/settings/compute/provider?node_id=${node}`)
      assert.partialDeepStrictEqual(view['compute_stats'], made.numbers[node], node)
    }
    for (const wallet of WALLETS) {
      const { balance_micro_spark } = await get(`/api/wallets/${wallet}`)
      assert.equal(balance_micro_spark, made.numbers[wallet], wallet)
    }
  }

  /** The output of a command. */
  async function run(name: string, ...args: string[]): Promise<string> {
    const main = fileURLToPath(new URL(`../../services/${name}/main.ts`, import.meta.url))
    const options = { env: environmentOf(settings), timeout: VERIFY_MS }
    return (await promisify(execFile)(process.execPath, [main, ...args], options)).stdout
  }

  async function verifiedAll(): Promise<void> {
    const stdout = await run('verify')
    assert.match(
      stdout.trimEnd(),
      /^0 differences in \d+ windows, \d+ costs, \d+ accounts, \d+ wallets, \d+ items of fleets, \d+ samples, \d+ nodes of fleets, \d+ commands of inventories, \d+ rows of workers, \d+ changes of status$/m,
    )
  }

  it('starts, has the numbers that it had, and loads what waited', async () => {
    await sameNumbers()
    await verifiedAll()
  })

  it('counts nothing twice', async () => {
    for (const { name, service, method, path, headers, body, answer, again } of made.sent) {
      if (again !== 'counted_once') continue
      const taken = await send(sender, { service, method, path, headers, body })
      const { accepted = 0, rejected = [] } = taken.body as Taken
      const before = (answer.body as Taken).accepted ?? 0
      assert.equal(accepted + rejected.length, before, `${name}: ${JSON.stringify(taken)}`)
      const others = rejected.filter(({ code }) => code !== 'too_old')
      assert.deepEqual(others, [], name)
      // After a day the costs that were a month old are too old, and after 35 days the others.
      if (ageMs < DAY_MS / 2) assert.equal(accepted, before, `${name}: ${JSON.stringify(taken)}`)
    }
    // verify waits until everything that was sent has gone through.
    await verifiedAll()
    await sameNumbers()
  })

  it('confirms the operators that it had, once somebody agrees', async () => {
    const before = await Promise.all(WALLETS.map((wallet) => get(`/api/wallets/${wallet}`)))
    for (const { nodes, unconfirmed } of before) {
      assert.deepEqual(nodes, [])
      assert.ok((unconfirmed as { nodes: number }).nodes > 0)
    }
    const listed = await run('migrate', '--confirm-operators')
    assert.match(listed, /op-claimed {2}an admin named it$/m)
    assert.match(listed, /op-old {2}no other node has ever named it$/m)
    assert.match(listed, /^Nothing was changed; with --yes they are confirmed\.$/m)
    const [, count] = /^Operators to confirm: (\d+), of/m.exec(listed) ?? []
    const output = await run('migrate', '--confirm-operators', '--yes')
    assert.match(output, new RegExp(`^Operators confirmed: ${count}\\.$`, 'm'))
    assert.match(await run('migrate', '--confirm-operators', '--yes'), /^Operators to confirm: 0, of/m)
    for (const wallet of WALLETS) {
      const { nodes, unconfirmed, balance_micro_spark } = await get(`/api/wallets/${wallet}`)
      const parts = [...(nodes as { micro_spark: number }[]), unconfirmed as { micro_spark: number }]
      assert.ok(parts.length > 1, wallet)
      assert.equal(
        parts.reduce((sum, { micro_spark }) => sum + micro_spark, 0),
        balance_micro_spark,
      )
    }
    await verifiedAll()
    await sameNumbers()
  })

  it('answers the same Idempotency-Key alike, for a day', async (t) => {
    if (ageMs > OUTCOMES_KEPT_MS) {
      t.skip(`the folder is ${Math.floor(ageMs / DAY_MS)} days old, and outcomes are kept for one`)
      return
    }
    const requests = made.sent.filter(({ again }) => again === 'same_answer')
    const repeated = await Promise.all(requests.map((request) => send(sender, request)))
    for (const [at, { name, answer }] of requests.entries()) {
      assert.equal(repeated[at]?.status, answer.status, `${name}: ${JSON.stringify(repeated[at])}`)
      if (!name.startsWith('join')) assert.partialDeepStrictEqual(repeated[at]?.body, answer.body, name)
    }
    await verifiedAll()
    await sameNumbers()
  })
})
