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
import { partitionOfNode } from '../../schemas/ids.ts'
import type { LetterCode } from '../../schemas/reasons.ts'
import { rulesAt } from '../../schemas/since.ts'
import type { BlockLog } from '../blocks/block-log.ts'
import type { DeadLetter } from '../blocks/dead-letter.ts'
import { CANNOT_BE_UNPACKED, schemaOf, unreadableDetail } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { isTick, NO_TICK } from '../log/tick.ts'
import { CANNOT_BE_DECIDED } from '../task/undecided.ts'
import { applyCommand, undecided } from './inventory/apply-command.ts'
import type { Applied } from './inventory/apply-command.ts'
import type { Request } from './inventory/decide.ts'
import { identityAt } from './inventory/identity-at.ts'
import type { Inventory } from './inventory/inventory.ts'
import { readCommand } from './inventory/read-command.ts'
import { writeCommand, writeVersion } from './inventory/rows.ts'
import { judge, TOO_OLD } from './judge.ts'
import { countOutcome, countQuarantined, newNode } from './node.ts'
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
  readonly partition: number
  readonly partitions: number
}

/** What the records of one transaction change. It is applied once; a state that fails midway is thrown away. */
export class FleetBatch {
  /** The nodes that changed, by their key. */
  readonly changed = new Map<string, FleetNode>()
  /** Each with the log time at which it was set aside. */
  readonly dead: { readonly letter: DeadLetter; readonly atMs: number }[] = []
  readonly counts = noneCounted()
  /** Outcomes of commands in their order, by their keys in fleet.state: a sender that waits for a repeat's sees it too. */
  readonly outcomes: { readonly key: string; readonly outcome: InventoryOutcome }[] = []
  lost = 0
  ticked = false
  readonly #parts: FleetInboxParts

  constructor(parts: FleetInboxParts) {
    this.#parts = parts
  }

  /** Takes in the next record. */
  apply(record: LogRecord): void {
    this.#passTime(record)
    const { task } = this.#parts
    const unreadable = unreadableDetail(record)
    if (unreadable !== null) return this.setAside(record, CANNOT_BE_UNPACKED, unreadable)
    switch (schemaOf(record)) {
      case SCHEMA_ID.tick:
        if (isTick(record, rulesAt(task.since, record.offset))) this.ticked = true
        else this.setAside(record, 'malformed', NO_TICK)
        break
      case SCHEMA_ID.workerTelemetry:
        this.#read(record, workerTelemetryCodec, telemetryFault, (batch) => this.#telemetry(batch, record))
        break
      case SCHEMA_ID.nodeHeartbeat:
        this.#read(record, nodeHeartbeatCodec, nodeHeartbeatFault, (heartbeat) => this.#heartbeat(heartbeat))
        break
      case SCHEMA_ID.inventoryCommand:
        this.#readInventory(record, (command, request) => this.#command(command, request, record))
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
    const command = decoded(record, inventoryCommandCodec)
    const { inventory, task } = this.#parts
    if (command !== null && !('fault' in readCommand(command)) && !this.#isElsewhere(command, record))
      this.outcomes.push(undecided(inventory, command, task.now))
  }

  /** Log time never falls; what it ends is over before the record is applied. */
  #passTime({ timestampMs }: LogRecord): void {
    const { task, inventory } = this.#parts
    task.now = Math.max(task.now, timestampMs)
    inventory.passTime(task.now)
  }

  #readInventory(record: LogRecord, apply: (command: InventoryCommand, request: Request) => void): void {
    const command = decoded(record, inventoryCommandCodec)
    if (command === null) return this.setAside(record, 'malformed', NOT_ITS_SCHEMA)
    const request = readCommand(command)
    if ('fault' in request) return this.setAside(record, 'out_of_range', request.fault)
    if (this.#isElsewhere(command, record)) return this.setAside(record, 'wrong_partition', ELSEWHERE)
    apply(command, request)
  }

  /** Everything that can be wrong with a record is found before anything is changed. */
  #read<Value extends FleetNodeName>(
    record: LogRecord,
    codec: { decode(value: Buffer): Value },
    faultOf: (value: Value) => string | null,
    apply: (value: Value) => void,
  ): void {
    const value = decoded(record, codec)
    if (value === null) return this.setAside(record, 'malformed', NOT_ITS_SCHEMA)
    const fault = faultOf(value)
    if (fault !== null) return this.setAside(record, 'out_of_range', fault)
    if (this.#isElsewhere(value, record)) return this.setAside(record, 'wrong_partition', ELSEWHERE)
    apply(value)
  }

  #isElsewhere({ provider_id }: Pick<FleetNodeName, 'provider_id'>, { key }: LogRecord): boolean {
    const { partition, partitions } = this.#parts
    return key?.toString() !== provider_id || partitionOfNode(provider_id, partitions) !== partition
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
    const { task, blocks, inventory } = this.#parts
    const { epoch, first_seq, items, low } = batch
    const identity = identityAt(inventory.book(batch.provider_id), batch, Number(record.offset) - 1)
    const node = this.#open(batch)
    const ofBatch = batchColumns(batch, record)
    const lostBefore = node.lost
    const counts = noneCounted()
    for (const [index, item] of items.entries()) {
      const seq = first_seq + index
      const { outcome, worker } = judge(item, isSeen(node, { epoch, seq }), task.now, identity)
      counts[outcome]++
      if (outcome === 'quarantined') countQuarantined(node, TOO_OLD, task.now)
      if (KEPT.has(outcome) && item.sample !== null)
        writeSample(blocks, ofBatch, { index, seq, outcome, worker }, item.sample)
    }
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
    node.epoch = Math.max(node.epoch, epoch)
  }

  #heartbeat(heartbeat: NodeHeartbeat): void {
    const node = this.#open(heartbeat)
    node.last_heartbeat_at = this.#parts.task.now
    node.software_version = heartbeat.software_version
    node.interval_s = heartbeat.interval_s
    node.epoch = Math.max(node.epoch, heartbeat.epoch)
  }

  /** The node, which changes. */
  #open(name: FleetNodeName): FleetNode {
    const { nodes, task } = this.#parts
    const key = fleetNodeKey(name)
    const node = nodes.get(key) ?? newNode(name, task.now)
    nodes.set(key, node)
    this.changed.set(key, node)
    return node
  }
}

const NOT_ITS_SCHEMA = 'these are not the bytes of its schema'
const ELSEWHERE = 'its key, or its partition, is not that of its provider'

/** The outcomes of samples that are rows. */
const KEPT: ReadonlySet<DecidedOutcome> = new Set(['current', 'late', 'discovered', 'conflict', 'misplaced'])

function noneCounted(): Record<DecidedOutcome, number> {
  return Object.fromEntries(DECIDED_OUTCOMES.map((outcome) => [outcome, 0])) as Record<DecidedOutcome, number>
}

/** Null where the value is not one of the codec's: avsc throws for bytes that are cut off, or that have more after them. */
function decoded<Value>({ value }: LogRecord, codec: { decode(value: Buffer): Value }): Value | null {
  try {
    return codec.decode(value ?? Buffer.alloc(0))
  } catch {
    return null
  }
}
