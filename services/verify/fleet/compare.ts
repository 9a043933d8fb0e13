import type { FleetNode, FleetTask } from '../../../schemas/fleet/records.ts'
import { rulesAt } from '../../../schemas/since.ts'
import type { VerifiedVersion, VerifyRun } from '../check.ts'
import { compareDeadLetters } from '../dead-letters.ts'
import type { SetAside } from '../dead-letters.ts'
import type { Row } from '../differences.ts'
import type { SourceRecord } from '../source.ts'
import type { BlocksBelow, TextRow } from '../tables.ts'
import { BELOW } from '../tables.ts'
import { CANNOT_BE_DECIDED, undecidedOf } from '../undecided.ts'
import type { Undecided } from '../undecided.ts'
import { readRecord } from './decode.ts'
import { ChangedRows, compareChanges, readFacts } from './inventory/compare.ts'
import type { Facts } from './inventory/compare.ts'
import type { Read } from './decode.ts'
import type { FleetModel } from './model.ts'
import type { ExpectedRow } from './model.ts'
import { SAMPLE_COLUMNS } from './rows.ts'
import { Unsure } from './unsure.ts'
import type { ExpectedRows } from './workers/expected.ts'

/** Rows that are compared in one step: as many as are held at once. */
const STEP_ROWS = 20_000

export interface FleetCompareParts {
  readonly run: VerifyRun
  readonly version: VerifiedVersion
  readonly partition: number
  readonly task: FleetTask
  readonly blocks: BlocksBelow
  readonly undecided: Undecided
  /** Takes in every record. */
  readonly model: FleetModel
  /** Takes in every record that pages take in. */
  readonly workers: ExpectedRows
}

/** What a comparison of one partition has covered. */
export interface FleetCompared {
  readonly model: FleetModel
  /** Rows that were compared. */
  readonly rows: number
  /** Rows about which the log does not reach back far enough. */
  readonly unsure: number
}

/** Compares letters and rows of one partition with what its records give, step by step. */
export async function compareFleet(parts: FleetCompareParts): Promise<FleetCompared> {
  const { run, version, partition, task, blocks, undecided, workers } = parts
  const { tables, differences } = run
  const { logs, topics, partitions } = version
  const { start } = await logs.range('fleetInbox', partition)
  const to = BigInt(task.position)
  const judged = { partition, partitions, since: task.since }
  const { model } = parts
  const isWhole = start === 0n
  let facts: Facts | null = null
  const steps = new Steps(parts, start)
  const changes = new ChangedRows()
  const letters: SetAside[] = []
  for await (const record of logs.read('fleetInbox', partition, { from: start, to })) {
    run.signal.throwIfAborted()
    model.pass(record.timestampMs)
    model.rules = rulesAt(task.since, record.offset)
    facts ??= await readFacts(run.tables, blocks, record.timestampMs, isWhole ? 'of_items' : 'all')
    facts.upTo(isWhole ? record.offset - 1n : record.offset, model.inventory)
    const isUndecided = undecidedOf(undecided, record) !== null
    const read = readRecord(record, judged)
    if (!isUndecided) workers.record(model.now, record.offset, read.kind === 'batch' ? read.batch : null)
    const rows = applied({ record, model, letters, isUndecided, read, changes: isWhole ? changes : null })
    if (!isUndecided) workers.ended()
    await steps.add(record, rows)
  }
  await steps.finish()
  if (isWhole) await compareChanges(run, blocks, changes)
  const found = await tables.deadLetters(blocks, topics.fleetInbox, start, to)
  await compareDeadLetters(differences, topics.fleetInbox, partition, letters, found)
  facts?.upTo(to, model.inventory)
  return { model, rows: steps.compared, unsure: steps.unsure }
}

interface Applying {
  readonly record: SourceRecord
  readonly model: FleetModel
  readonly letters: SetAside[]
  readonly isUndecided: boolean
  readonly read: Read
  /** Null where the log no longer has all commands: what they made is taken from the table of versions. */
  readonly changes: ChangedRows | null
}

function applied({ record, model, letters, isUndecided, read, changes }: Applying): ExpectedRow[] {
  if (isUndecided) {
    letters.push({ record, reasons: [{ index: -1, reason: CANNOT_BE_DECIDED }] })
    if (read.kind === 'command') model.inventory.undecided(read.wish.command, model.now)
    return []
  }
  if (read.kind === 'batch') return model.batch(read.batch, record.offset, record.timestampMs)
  if (read.kind === 'heartbeat') model.heartbeat(read.heartbeat)
  if (read.kind === 'command') changes?.add(model.command(read.wish, record.offset))
  if (read.kind === 'letter') letters.push({ record, reasons: [{ index: -1, reason: read.reason }] })
  return []
}

/** Compares rows in steps of the log, so that few of them are held at once. */
class Steps {
  compared = 0
  unsure = 0
  readonly #parts: FleetCompareParts
  readonly #unsure: Unsure
  #from: bigint
  #expected = new Map<string, Row>()
  /** Places about which nothing can be said. */
  #passedOver = new Set<string>()
  #next: bigint

  constructor(parts: FleetCompareParts, start: bigint) {
    this.#parts = parts
    this.#unsure = new Unsure(start)
    this.#from = start
    this.#next = start
  }

  async add({ offset, timestampMs }: SourceRecord, rows: readonly ExpectedRow[]): Promise<void> {
    for (const row of rows) {
      if (!row.isSure || this.#unsure.isUnsure(row, timestampMs)) this.#passedOver.add(row.place)
      else this.#expected.set(row.place, row.row)
    }
    this.#next = offset + 1n
    if (this.#expected.size + this.#passedOver.size >= STEP_ROWS) await this.#compare(this.#next)
  }

  /** The last step has no end: a row of a later record follows from nothing. */
  async finish(): Promise<void> {
    await this.#compare(2n ** 63n)
  }

  async #compare(to: bigint): Promise<void> {
    const { run, blocks } = this.#parts
    const found = await run.tables.rows<TextRow>(
      `SELECT ${SAMPLE_COLUMNS} FROM fleet_samples AS t
       WHERE ${BELOW} AND t.record_offset >= {from:UInt64} AND t.record_offset < {to:UInt64}`,
      { ...blocks, from: this.#from, to },
    )
    const byPlace = found
      .map((row) => [`${String(row['record_offset'])}/${String(row['record_index'])}`, row] as const)
      .filter(([place]) => !this.#passedOver.has(place))
    await run.differences.compareRows('fleet_samples', this.#expected, byPlace)
    this.compared += this.#expected.size
    this.unsure += this.#passedOver.size
    this.#expected = new Map()
    this.#passedOver = new Set()
    this.#from = to
  }
}

/** Compares the nodes of a partition; every one of its records must be in the log. */
export async function compareNodes(
  { run }: Pick<FleetCompareParts, 'run'>,
  model: FleetModel,
  found: ReadonlyMap<string, FleetNode>,
): Promise<void> {
  const rowsOf = (nodes: ReadonlyMap<string, FleetNode>, isOfModel: boolean): ReadonlyMap<string, Row> =>
    new Map(
      [...nodes].map(([key, node]) => {
        const ofWorkers = model.ofWorkers(key)
        const row = shown(node)
        return [key, ofWorkers === 0 ? row : { ...row, outcomes: summed(node, isOfModel ? ofWorkers : 0) }]
      }),
    )
  await run.differences.compareRows('fleet.state', rowsOf(model.nodes(), true), rowsOf(found, false))
}

/** Which outcome an item of a worker has is not known: those that it cannot have, and all together. */
function summed({ outcomes }: FleetNode, more: number): string {
  const exact = outcomes.filter(({ outcome }) => outcome === 'discovered' || outcome === 'quarantined')
  return JSON.stringify([exact, outcomes.reduce((sum, { items }) => sum + items, more)])
}

/** A node as a row: lists as their text. */
function shown(node: FleetNode): Row {
  const { low, epochs, outcomes, quarantined, contacts, ...plain } = node
  return {
    ...plain,
    low: JSON.stringify(low),
    epochs: JSON.stringify(epochs),
    outcomes: JSON.stringify(outcomes),
    quarantined: JSON.stringify(quarantined),
    contacts: JSON.stringify(contacts),
  }
}
