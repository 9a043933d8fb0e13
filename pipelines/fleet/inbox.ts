import { SCHEMA_ID } from '../../schemas/avro.ts'
import { fleetNodeKey, nodeHeartbeatCodec, workerTelemetryCodec } from '../../schemas/fleet/codecs.ts'
import { inventoryCommandCodec } from '../../schemas/fleet/inventory/codecs.ts'
import type { InventoryCommand, InventoryOutcome } from '../../schemas/fleet/inventory/records.ts'
import { DECIDED_OUTCOMES } from '../../schemas/fleet/outcomes.ts'
import type { DecidedOutcome } from '../../schemas/fleet/outcomes.ts'
import type {
  FleetNode,
  FleetNodeName,
  FleetTask,
  NodeHeartbeat,
  WorkerTelemetry,
} from '../../schemas/fleet/records.ts'
import type { LetterCode } from '../../schemas/reasons.ts'
import { CLONES_COUNTED, rulesAt } from '../../schemas/since.ts'
import type { BlockLog } from '../blocks/block-log.ts'
import type { DeadLetter, EventProblem } from '../blocks/dead-letter.ts'
import { CANNOT_BE_UNPACKED, schemaOf, unreadableDetail } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { isOfGateway, isTick, NO_TICK } from '../log/tick.ts'
import { CANNOT_BE_DECIDED } from '../task/undecided.ts'
import { named, spoke } from './contacts.ts'
import { applyCommand, undecided } from './inventory/apply-command.ts'
import type { Applied } from './inventory/apply-command.ts'
import type { Request } from './inventory/decide.ts'
import type { Inventory } from './inventory/inventory.ts'
import { readCommand } from './inventory/read-command.ts'
import { writeCommand, writeVersion } from './inventory/rows.ts'
import { judge, TOO_OLD } from './judge.ts'
import { countOutcome, countQuarantined, newNode } from './node.ts'
import type { PageTask } from './pages/page-task.ts'
import { readValue } from './read-record.ts'
import { nodeHeartbeatFault, telemetryFault } from './record-faults.ts'
import { batchColumns, writeSample } from './rows.ts'
import { close, isSeen, see } from './seen.ts'

export interface FleetInboxParts {
  readonly task: FleetTask
  /** By `fleetNodeKey`; changed in place. */
  readonly nodes: Map<string, FleetNode>
  /** Changed in place. */
  readonly inventory: Inventory
  readonly blocks: BlockLog
  readonly pages: PageTask
  readonly partition: number
  readonly partitions: number
}

/** What the records of one transaction change. It is applied once; a state that fails midway is thrown away. */
export class FleetBatch {
  /** The nodes that changed, by their key. */
  readonly changed = new Map<string, FleetNode>()
  /** Each with the log time at which it was set aside. */
  readonly dead: { readonly letter: DeadLetter; readonly atMs: number }[] = []
  readonly counts = noOutcomes()
  /** Outcomes of commands in their order, by their keys in fleet.state: a sender that waits for a repeat's sees it too. */
  readonly outcomes: { readonly key: string; readonly outcome: InventoryOutcome }[] = []
  lost = 0
  cloneContacts = 0
  ticked = false
  /** Log time of the newest tick of a gateway; null where there is none. */
  gatewayTickMs: number | null = null
  readonly #parts: FleetInboxParts

  constructor(parts: FleetInboxParts) {
    this.#parts = parts
  }

  /** Takes in the next record: what is due until then comes first. */
  apply(record: LogRecord): void {
    this.#passTime(record)
    const { pages, task } = this.#parts
    pages.begin(task.now, record.offset)
    this.#take(record)
    pages.end()
  }

  #take(record: LogRecord): void {
    const { task } = this.#parts
    const unreadable = unreadableDetail(record)
    if (unreadable !== null) return this.setAside(record, CANNOT_BE_UNPACKED, unreadable)
    switch (schemaOf(record)) {
      case SCHEMA_ID.tick:
        if (isTick(record, rulesAt(task.since, record.offset))) this.#tick(record)
        else this.setAside(record, 'malformed', NO_TICK)
        break
      case SCHEMA_ID.workerTelemetry:
        this.#read(record, workerTelemetryCodec, telemetryFault, (batch) => this.#telemetry(batch, record))
        break
      case SCHEMA_ID.nodeHeartbeat:
        this.#read(record, nodeHeartbeatCodec, nodeHeartbeatFault, (heartbeat) =>
          this.#heartbeat(heartbeat, record),
        )
        break
      case SCHEMA_ID.inventoryCommand:
        this.#readCommand(record)
        break
      default:
        this.setAside(record, 'unknown_schema', 'the record has none of the schemas of fleet.inbox')
    }
  }

  setAside(record: LogRecord, code: LetterCode, detail: string): void {
    this.#passTime(record)
    const atMs = this.#parts.task.now
    this.dead.push({ letter: { record, problems: [{ index: -1, code, detail }] }, atMs })
  }

  /** Sets a record aside that `decide` fails at again and again; who waits for a command's outcome gets one. */
  setAsideUndecided(record: LogRecord, detail: string): void {
    this.setAside(record, CANNOT_BE_DECIDED, detail)
    if (schemaOf(record) !== SCHEMA_ID.inventoryCommand) return
    const { inventory, task } = this.#parts
    const read = readValue(record, inventoryCommandCodec, commandFault, this.#parts)
    if ('value' in read) this.outcomes.push(undecided(inventory, read.value, task.now))
  }

  /** Log time never falls; what it ends is over before the record is applied. */
  #passTime({ timestampMs }: LogRecord): void {
    const { task, inventory } = this.#parts
    task.now = Math.max(task.now, timestampMs)
    inventory.passTime(task.now)
  }

  #readCommand(record: LogRecord): void {
    const read = readValue(record, inventoryCommandCodec, commandFault, this.#parts)
    if (!('value' in read)) return this.setAside(record, read.code, read.detail)
    const request = readCommand(read.value)
    if (!('fault' in request)) this.#command(read.value, request, record)
  }

  #tick(record: LogRecord): void {
    const { pages, task } = this.#parts
    this.ticked = true
    if (!isOfGateway(record)) return
    this.gatewayTickMs = task.now
    pages.tick(task.now, record.offset)
  }

  #read<Value extends FleetNodeName>(
    record: LogRecord,
    codec: { decode(value: Buffer): Value },
    faultOf: (value: Value) => string | null,
    apply: (value: Value) => void,
  ): void {
    const read = readValue(record, codec, faultOf, this.#parts)
    if ('value' in read) apply(read.value)
    else this.setAside(record, read.code, read.detail)
  }

  #command(command: InventoryCommand, request: Request, { offset }: LogRecord): void {
    const { inventory, blocks, task } = this.#parts
    const place = { nowMs: task.now, offset: Number(offset) }
    const applied: Applied = applyCommand(inventory, command, request, place)
    this.outcomes.push(applied)
    if (applied.isRepeat) return
    writeCommand(blocks, command, applied.outcome, place)
    for (const made of applied.made) writeVersion(blocks, command.provider_id, made)
  }

  /** The rows of versions that items have made. */
  #writeMade(): void {
    const { inventory, blocks } = this.#parts
    for (const { providerId, made } of inventory.takeMade()) writeVersion(blocks, providerId, made)
  }

  #telemetry(batch: WorkerTelemetry, record: LogRecord): void {
    const { task, blocks, pages } = this.#parts
    const { epoch, first_seq, items, low } = batch
    const node = this.#open(batch, record)
    const ofBatch = batchColumns(batch, record)
    const lostBefore = node.lost
    const counts = noOutcomes()
    const faults: EventProblem[] = []
    for (const [index, item] of items.entries()) {
      const seq = first_seq + index
      const isRepeat = isSeen(node, { epoch, seq })
      const { outcome, ofWorker } = judge(item, isRepeat, task.now, () => pages.item(batch, index, item))
      counts[outcome]++
      if (outcome === 'quarantined') countQuarantined(node, TOO_OLD, task.now)
      // A copy of a sample on which a rule fails is a repeat: the letter of the first one has it.
      if (outcome === 'refused' && ofWorker?.fault !== undefined)
        faults.push({ index, code: 'rule_failed', detail: ofWorker.fault })
      if (item.sample !== null && isKept(outcome))
        writeSample(blocks, ofBatch, { index, seq, outcome, worker: ofWorker?.workerId ?? '' }, item.sample)
    }
    if (faults.length > 0) this.dead.push({ letter: { record, problems: faults }, atMs: task.now })
    pages.tellComplete(batch, batch.complete, task.now, record.offset)
    pages.complete(batch)
    for (const outcome of DECIDED_OUTCOMES) {
      if (counts[outcome] > 0) countOutcome(node, outcome, counts[outcome])
      this.counts[outcome] += counts[outcome]
    }
    see(node, { epoch, seq: first_seq }, first_seq + items.length)
    close(node, low)
    this.lost += node.lost - lostBefore
    this.#writeMade()
    node.last_data_at = task.now
    node.interval_s = batch.interval_s
    if (batch.lane === 'live') this.#spoke(node, epoch, record)
    else named(node, epoch)
  }

  #heartbeat(heartbeat: NodeHeartbeat, record: LogRecord): void {
    const node = this.#open(heartbeat, record)
    node.last_heartbeat_at = this.#parts.task.now
    node.software_version = heartbeat.software_version
    node.interval_s = heartbeat.interval_s
    this.#spoke(node, heartbeat.epoch, record)
  }

  #spoke(node: FleetNode, epoch: number, { offset }: LogRecord): void {
    const { task } = this.#parts
    if (rulesAt(task.since, offset) < CLONES_COUNTED) named(node, epoch)
    else if (spoke(node, epoch, task.now)) this.cloneContacts += 1
  }

  /** The node, which is heard of, and changes. */
  #open(name: FleetNodeName, { offset }: LogRecord): FleetNode {
    const { nodes, pages, task } = this.#parts
    const key = fleetNodeKey(name)
    pages.heard(key, task.now, offset)
    const node = nodes.get(key) ?? newNode(name, task.now)
    nodes.set(key, node)
    this.changed.set(key, node)
    return node
  }
}

function noOutcomes(): Record<DecidedOutcome, number> {
  return Object.fromEntries(DECIDED_OUTCOMES.map((outcome) => [outcome, 0])) as Record<DecidedOutcome, number>
}

/** Whether a sample with this outcome is a row: the others are counted alone. */
function isKept(outcome: DecidedOutcome): boolean {
  return outcome !== 'repeat' && outcome !== 'quarantined' && outcome !== 'refused'
}

/** Why a command is not a possible one; null where it is. */
function commandFault(command: InventoryCommand): string | null {
  const request = readCommand(command)
  return 'fault' in request ? request.fault : null
}
