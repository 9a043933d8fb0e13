import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimulatedMachine } from '../../../infra/local/fleet-sample/machines/simulated-machine.ts'
import { seededDice } from '../../../infra/local/sample/random.ts'
import { normalise } from '../../../pipelines/fleet/normalise.ts'
import { readContext } from '../../../pipelines/fleet/poll.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { HOUR_MS, MINUTE_MS } from '../../../schemas/units.ts'
import { pollItem, reportItem, sampleItem } from '../../../services/node/machines/items.ts'
import { encodeItem } from '../../../services/node/spool/item-bytes.ts'
import { Losses } from '../../../services/node/spool/losses.ts'
import { nodeDisk } from '../../../services/node/spool/node-disk.ts'
import { Spool } from '../../../services/node/spool/spool.ts'
import type { NumberedItem } from '../../../services/node/spool/spool.ts'
import { hostOf, SITE_KINDS } from './site-machines.ts'

/** As often as the node brings to its disk what was polled. */
const FLUSH_MS = 500
/** As often as the texts of a machine are sent, where they do not change. */
const REPORT_ROUNDS = 10
const EPOCH = 1
const START_MS = Date.UTC(2026, 10, 30)

/** The spool of a site whose gateway is away, filled as fast as it goes: real items of the adapters, on the real disk. */
export async function fillSpool(options: {
  readonly machines: number
  readonly forMs: number
}): Promise<{ readonly items: number; readonly sizeBytes: number; readonly unpackedBytes: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'hivemeter-bench-spool-'))
  try {
    const disk = await nodeDisk(folder)
    const spool = await Spool.open({ disk, losses: new Losses(silentLogger) })
    const machines = Array.from({ length: options.machines }, (_, index) => new SpooledMachine(index))
    let seq = 0
    let unpackedBytes = 0
    let waiting: NumberedItem[] = []
    for (let flush = 1; flush * FLUSH_MS <= options.forMs; flush += 1) {
      for (const [atMs, machine] of dueIn(machines, flush)) {
        for (const bytes of machine.itemsAt(atMs)) {
          waiting.push({ seq: (seq += 1), atMs, bytes })
          unpackedBytes += bytes.length
        }
      }
      await spool.append(EPOCH, waiting, null)
      waiting = []
    }
    const sizeBytes = (await disk.list()).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
    return { items: spool.index.heldItems, sizeBytes, unpackedBytes }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The machines that are polled between the flush before and this one. */
function dueIn(machines: readonly SpooledMachine[], flush: number): [number, SpooledMachine][] {
  const apartMs = MINUTE_MS / machines.length
  const first = Math.ceil(((flush - 1) * FLUSH_MS) / apartMs)
  const end = Math.ceil((flush * FLUSH_MS) / apartMs)
  return Array.from({ length: end - first }, (_, at) => {
    const machine = machines[(first + at) % machines.length] ?? new SpooledMachine(0)
    return [START_MS + Math.floor((first + at) * apartMs), machine]
  })
}

/** A machine whose temperature and rate go up and down, so that no two of its samples are alike. */
class SpooledMachine {
  readonly #machine: SimulatedMachine
  readonly #dice: { next(): number }
  readonly #address: string
  #rounds: number

  constructor(index: number) {
    const kind = SITE_KINDS[index % SITE_KINDS.length] ?? 'whatsminer'
    this.#machine = new SimulatedMachine({ kind, seed: index, startedMs: START_MS - HOUR_MS })
    this.#dice = seededDice(index)
    this.#address = `${hostOf(index)}:4028`
    this.#rounds = index
  }

  itemsAt(atMs: number): Buffer[] {
    const machine = this.#machine
    machine.become({
      rateShare: 0.9 + 0.1 * this.#dice.next(),
      chipC: Math.round(60 + 15 * this.#dice.next()),
    })
    const normalised = normalise({
      adapter: machine.adapter,
      context: readContext({ ...machine.context }),
      collectedAtMs: atMs,
      answers: machine
        .answersAt(atMs)
        .map(([request, body]) => ({ request, body: { text: JSON.stringify(body) } })),
    })
    if (normalised === 'unsupported' || !('telemetry' in normalised))
      throw new Error('An answer is not read.')
    const { telemetry, warnings } = normalised
    const { serial, mac } = telemetry
    const observed = { serial, mac, mac_arp: machine.mac, address: this.#address, observed_at: atMs }
    this.#rounds += 1
    const reports = this.#rounds % REPORT_ROUNDS === 0 ? [reportItem(observed, telemetry)] : []
    return [sampleItem(observed, telemetry, warnings), pollItem(observed, 'ok'), ...reports].map((item) => {
      if ('code' in item) throw new Error(`An item is refused: ${item.code} ${item.path}.`)
      return encodeItem(item)
    })
  }
}
