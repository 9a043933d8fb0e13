import { SCHEMA_ID } from '../../schemas/avro.ts'
import { fleetNodeKey, nodeHeartbeatCodec, workerTelemetryCodec } from '../../schemas/fleet/codecs.ts'
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
import { CLONES_COUNTED, rulesAt } from '../../schemas/since.ts'
import type { BlockLog } from '../blocks/block-log.ts'
import type { DeadLetter } from '../blocks/dead-letter.ts'
import { CANNOT_BE_UNPACKED, schemaOf, unreadableDetail } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { isOfGateway, isTick, NO_TICK } from '../log/tick.ts'
import { named, spoke } from './contacts.ts'
import { judge, TOO_OLD } from './judge.ts'
import { countOutcome, countQuarantined, newNode } from './node.ts'
import { nodeHeartbeatFault, telemetryFault } from './record-faults.ts'
import { batchColumns, writeSample } from './rows.ts'
import { close, isSeen, see } from './seen.ts'

export interface FleetInboxParts {
  readonly task: FleetTask
  /** By `fleetNodeKey`; changed in place. */
  readonly nodes: Map<string, FleetNode>
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
  readonly counts: Record<DecidedOutcome, number> = { repeat: 0, discovered: 0, quarantined: 0, refused: 0 }
  lost = 0
  cloneContacts = 0
  ticked = false
  /** Log time of the newest tick of a gateway; null where there is none. */
  gatewayTickMs: number | null = null
  readonly #parts: FleetInboxParts

  constructor(parts: FleetInboxParts) {
    this.#parts = parts
  }

  /** Takes in the next record. */
  apply(record: LogRecord): void {
    const { task } = this.#parts
    task.now = Math.max(task.now, record.timestampMs)
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
      default:
        this.setAside(record, 'unknown_schema', 'the record has none of the schemas of fleet.inbox')
    }
  }

  setAside(record: LogRecord, code: LetterCode, detail: string): void {
    const { task } = this.#parts
    task.now = Math.max(task.now, record.timestampMs)
    this.dead.push({ letter: { record, problems: [{ index: -1, code, detail }] }, atMs: task.now })
  }

  #tick(record: LogRecord): void {
    this.ticked = true
    if (isOfGateway(record)) this.gatewayTickMs = this.#parts.task.now
  }

  /** Everything that can be wrong with a record is found before anything is changed. */
  #read<Value extends FleetNodeName>(
    record: LogRecord,
    codec: { decode(value: Buffer): Value },
    faultOf: (value: Value) => string | null,
    apply: (value: Value) => void,
  ): void {
    const { partition, partitions } = this.#parts
    let value: Value
    try {
      value = codec.decode(record.value ?? Buffer.alloc(0))
    } catch {
      // avsc throws for bytes that are cut off, or that have more bytes after them.
      return this.setAside(record, 'malformed', 'these are not the bytes of its schema')
    }
    const fault = faultOf(value)
    if (fault !== null) return this.setAside(record, 'out_of_range', fault)
    const { provider_id } = value
    if (record.key?.toString() !== provider_id || partitionOfNode(provider_id, partitions) !== partition)
      return this.setAside(
        record,
        'wrong_partition',
        'its key, or its partition, is not that of its provider',
      )
    apply(value)
  }

  #telemetry(batch: WorkerTelemetry, record: LogRecord): void {
    const { task, blocks } = this.#parts
    const { epoch, first_seq, items, low } = batch
    const node = this.#open(batch)
    const ofBatch = batchColumns(batch, record)
    const lostBefore = node.lost
    const counts: Record<DecidedOutcome, number> = { repeat: 0, discovered: 0, quarantined: 0, refused: 0 }
    for (const [index, item] of items.entries()) {
      const seq = first_seq + index
      const outcome = judge(item, isSeen(node, { epoch, seq }), task.now)
      counts[outcome]++
      if (outcome === 'quarantined') countQuarantined(node, TOO_OLD, task.now)
      if (outcome === 'discovered' && item.sample !== null)
        writeSample(blocks, ofBatch, { index, seq, outcome }, item.sample)
    }
    for (const outcome of DECIDED_OUTCOMES) {
      if (counts[outcome] > 0) countOutcome(node, outcome, counts[outcome])
      this.counts[outcome] += counts[outcome]
    }
    see(node, { epoch, seq: first_seq }, first_seq + items.length)
    close(node, low)
    this.lost += node.lost - lostBefore
    node.last_data_at = task.now
    node.interval_s = batch.interval_s
    if (batch.lane === 'live') this.#spoke(node, epoch, record)
    else named(node, epoch)
  }

  #heartbeat(heartbeat: NodeHeartbeat, record: LogRecord): void {
    const node = this.#open(heartbeat)
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
