import { fork, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../pipelines/clock.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { KEY, startTestGateway } from '../../support/fleet/node/test-gateway.ts'
import { memoryOf, processCpuSeconds } from '../harness/process-figures.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MACHINES = fileURLToPath(new URL('./machines-process.ts', import.meta.url))
/** The first round compiles, opens and learns. */
const WARM_UP_MS = MINUTE_MS

export interface NodeRun {
  /** CPU seconds a second of the node's process. */
  readonly cores: number
  readonly peakMb: number
  readonly polls: number
  /** Of the polls: those that read everything. */
  readonly okShare: number
  /** Items that the gateway has, of those of all machines and rounds. */
  readonly sentShare: number
}

/** The node as a site runs it, over real sockets to machines in another process, beside a gateway that takes everything. */
export async function runNode(options: {
  readonly machines: number
  readonly measureMs: number
  readonly isPacked: boolean
}): Promise<NodeRun> {
  const { machines, measureMs, isPacked } = options
  await using cleanup = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'hivemeter-bench-site-'))
  cleanup.defer(() => rmSync(folder, { recursive: true }))
  const gateway = await startTestGateway(systemClock)
  cleanup.defer(async () => await gateway.close())
  gateway.takesPacked = isPacked
  const site = fork(MACHINES, [String(machines)])
  cleanup.defer(() => void site.kill('SIGKILL'))
  const [entries] = (await once(site, 'message')) as [object[]]
  const file = configIn(folder, gateway.url, entries)
  const node = spawn(process.execPath, [...nodeScript(), '--config', file], {
    cwd: ROOT,
    env: {},
    stdio: 'ignore',
  })
  cleanup.defer(() => void node.kill('SIGKILL'))
  await delay(WARM_UP_MS)
  const { pid } = alive(node)
  const startCpuS = processCpuSeconds([pid])
  const before = gateway.batches.length
  await delay(measureMs)
  const cpuS = processCpuSeconds([pid]) - startCpuS
  const { peakMb } = memoryOf(pid)
  const items = gateway.batches.slice(before).flatMap((batch) => batch.items)
  const results = items.flatMap(({ poll }) => poll?.result ?? [])
  const wanted = (machines * measureMs) / MINUTE_MS
  return {
    cores: cpuS / (measureMs / SECOND_MS),
    peakMb,
    polls: results.length,
    okShare: results.filter((result) => result === 'ok').length / results.length,
    sentShare: results.length / wanted,
  }
}

/** The words after "node" of `npm run node`: what is measured is what a site runs. */
function nodeScript(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: { readonly node: string }
  }
  return scripts.node.replace('exec node ', '').split(' ')
}

function configIn(folder: string, gatewayUrl: string, machines: readonly object[]): string {
  writeFileSync(join(folder, 'node.key'), `${KEY}\n`)
  const file = join(folder, 'node.json')
  const node = { provider_id: 'krill', location_id: 'barn', node_id: 'agent-1' }
  const config = { gatewayUrl, stateFolder: 'state', keyFile: 'node.key', node, interval_s: 60, machines }
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return file
}

function alive({ pid, exitCode }: ChildProcess): { readonly pid: number } {
  if (pid === undefined || exitCode !== null) throw new Error(`The node has ended with ${exitCode}.`)
  return { pid }
}
