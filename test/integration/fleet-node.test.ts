import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { serveMachine } from '../../infra/local/fleet-sample/machines/serve-machine.ts'
import type { ServedMachine } from '../../infra/local/fleet-sample/machines/serve-machine.ts'
import { MACHINE_KINDS, SimulatedMachine } from '../../infra/local/fleet-sample/machines/simulated-machine.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { install } from '../support/processes/installation.ts'
import type { Installation } from '../support/processes/installation.ts'
import { startServices } from '../support/processes/service-process.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'
import { until } from '../support/until.ts'

const ARRIVES_MS_MAX = 60_000
const MAIN = fileURLToPath(new URL('../../services/node/main.ts', import.meta.url))

/** A node of a site polls machines over their own protocols, and each poll is a row, also over a kill of the node. */
describe('the node of a site', () => {
  let installation: Installation
  let services: Record<'gateway' | 'fleet' | 'loader', ServiceProcess>
  const folder = mkdtempSync(join(tmpdir(), 'hivemeter-fleet-node-'))
  const machines: ServedMachine[] = []
  let node: ChildProcess | undefined

  before(async () => {
    installation = await install({ name: 'fleet_node', partitions: 1 })
    services = await startServices(installation, 'gateway', 'fleet', 'loader')
    for (const [seed, kind] of MACHINE_KINDS.entries()) {
      const machine = new SimulatedMachine({ kind, seed, startedMs: systemClock.nowMs() - 4_000_000 })
      machines.push(await serveMachine({ machine, clock: systemClock }))
    }
    writeFileSync(join(folder, 'node.key'), 'no-key-is-asked-for\n')
    writeFileSync(
      join(folder, 'node.json'),
      JSON.stringify({
        gatewayUrl: services.gateway.url,
        stateFolder: 'state',
        keyFile: 'node.key',
        node: { provider_id: 'krill', location_id: 'barn', node_id: 'agent-1' },
        interval_s: 10,
        machines: machines.map(({ entry }) => entry),
      }),
      { mode: 0o600 },
    )
  })

  after(async () => {
    node?.kill('SIGKILL')
    await Promise.all(machines.map((machine) => machine.stop()))
    await Promise.all(Object.values(services).map((service) => service.stop()))
    await installation.dispose()
    rmSync(folder, { recursive: true })
  })

  function start(): ChildProcess {
    const child = spawn(process.execPath, [MAIN, '--config', join(folder, 'node.json')], {
      env: {},
      stdio: 'ignore',
    })
    node = child
    return child
  }

  async function samples(): Promise<{ epochs: number; machines: number; rows: number; numbers: number }> {
    const found: Record<string, unknown>[] = await installation.clickhouse.rows(
      'SELECT uniqExact(epoch) AS epochs, uniqExact(fingerprint) AS machines, count() AS rows, uniqExact(epoch, seq) AS numbers FROM fleet_samples',
    )
    const count = (name: string): number => Number(found[0]?.[name] ?? 0)
    return {
      epochs: count('epochs'),
      machines: count('machines'),
      rows: count('rows'),
      numbers: count('numbers'),
    }
  }

  it('brings what machines say into rows, once each, over its own death', async () => {
    const first = start()
    await until(
      'a row of each machine',
      ARRIVES_MS_MAX,
      async () => (await samples()).machines === machines.length,
    )
    first.kill('SIGKILL')
    await once(first, 'close')
    const second = start()
    await until('rows of the next epoch', ARRIVES_MS_MAX, async () => (await samples()).epochs === 2)
    second.kill('SIGTERM')
    const [code] = (await once(second, 'close')) as [number | null]
    assert.equal(code, 0)
    const { rows, numbers } = await samples()
    assert.equal(rows, numbers)
  })

  it('is what verify works out again', async () => {
    const { exitCode, output } = await installation.command('verify')
    assert.equal(exitCode, 0, output)
    assert.match(output, /1 nodes of fleets/)
  })
})
