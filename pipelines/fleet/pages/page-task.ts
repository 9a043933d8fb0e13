import { STATE_KEY } from '../../../schemas/avro.ts'
import {
  fleetFaceCodec,
  fleetHearingCodec,
  fleetNodeKey,
  fleetPageCodec,
} from '../../../schemas/fleet/codecs.ts'
import type { FleetFace, FleetPageRecord } from '../../../schemas/fleet/page-records.ts'
import type { FleetItem, FleetNode, FleetNodeName, Span } from '../../../schemas/fleet/records.ts'
import type { BlockLog } from '../../blocks/block-log.ts'
import type { LogRecord, TopicAppend } from '../../log/records.ts'
import { assertFaces } from './faces.ts'
import type { FleetInventory, IdentityRule } from './inventory.ts'
import { hearingKey } from './keys.ts'
import type { Fields } from './layout.ts'
import { GATEWAYS, Listening } from './listening.ts'
import type { WorkerOutcome } from './outcome.ts'
import { unpackedPage, writePages } from './page-log.ts'
import { PageRows } from './page-rows.ts'
import { FleetPages } from './pages.ts'
import type { Sender } from './pages.ts'
import { NO_SINK } from './sink.ts'
import type { PageSink } from './sink.ts'

export interface PageTaskParts {
  readonly topic: string
  readonly partition: number
  readonly inventory: FleetInventory
  readonly identity: IdentityRule<Fields>
  /** What is known of all nodes, in place. */
  readonly nodes: ReadonlyMap<string, FleetNode>
}

/**
 * The workers of one task: its pages, which nodes are heard, and their part of the task's log. Each transaction writes what
 * it decided, and a few of the pages. So a restored page is older than the task, and is brought up to it by the input in
 * between, of which nothing is written again:
 *
 *     page's place ── input taken in again: pages that are behind apply it ──▶ task's position: faces are compared ──▶ on
 */
export class PageTask {
  readonly #parts: PageTaskParts
  readonly #listening: Listening
  readonly #pages: FleetPages
  /** Records of fleet.state, the newest of each key, until all of them have been read. */
  readonly #images = new Map<string, FleetPageRecord>()
  #faces: Map<string, FleetFace> | null = new Map()
  #rows: PageRows | null = null
  /** Log time of the input that is taken in again. */
  #againMs = 0

  constructor(parts: PageTaskParts) {
    this.#parts = parts
    this.#listening = new Listening(parts.nodes, (providerId) => this.#pages.has(providerId))
    this.#pages = new FleetPages({ ...parts, listening: this.#listening })
  }

  /** Takes in a record of fleet.state. False where it is none of the pages'. */
  restore({ value }: LogRecord, key: string): boolean {
    if (key.startsWith(STATE_KEY.fleetPage)) {
      if (value === null) this.#images.delete(key)
      else this.#images.set(key, fleetPageCodec.decode(value))
      return true
    }
    if (key.startsWith(STATE_KEY.fleetFace)) {
      if (value === null) this.#faces?.delete(key)
      else this.#faces?.set(key, fleetFaceCodec.decode(value))
      return true
    }
    if (!key.startsWith(STATE_KEY.fleetHearing)) return false
    const source = key.slice(STATE_KEY.fleetHearing.length)
    if (value !== null) this.#listening.restore(source, fleetHearingCodec.decode(value))
    return true
  }

  /** Makes the pages, once all of fleet.state was read, the inventory's records too. */
  restored(): void {
    let lowest = Number.POSITIVE_INFINITY
    for (const image of this.#images.values()) {
      const { provider_id: providerId, page, through, now: nowMs } = image
      this.#pages.restore({ providerId, page }, { bytes: unpackedPage(image), through, nowMs })
      if (through < lowest) this.#againMs = nowMs
      lowest = Math.min(lowest, through)
    }
    this.#images.clear()
  }

  /** Where the pages continue: input from there on is taken in again. `position` where all of them are at the task's. */
  from(position: number): number {
    return this.#pages.all.reduce((lowest, kept) => Math.min(lowest, kept.writtenThrough), position)
  }

  /** Takes in a record again. `apply` applies it, if the task did. */
  again(record: LogRecord, apply: (nowMs: number) => void): void {
    this.#againMs = Math.max(this.#againMs, record.timestampMs)
    if (this.#listening.isSetAside(Number(record.offset))) return
    this.#pages.begin(this.#againMs, record.offset, NO_SINK)
    apply(this.#againMs)
    this.#pages.end(false)
  }

  /** All input below the task's position was taken in again: now each worker stands as it was told, or this is a halt. */
  caughtUp(place: string): void {
    if (this.#faces === null) return
    const faces = this.#faces
    this.#faces = null
    assertFaces(place, this.#pages, faces)
  }

  /** A transaction begins: what the pages come to goes to these blocks. */
  open(blocks: BlockLog): void {
    this.#rows = new PageRows(blocks)
  }

  /** A record comes for the first time. `end` follows, after what it holds. */
  begin(nowMs: number, offset: bigint): void {
    this.#listening.pass(nowMs, Number(offset))
    this.#pages.begin(nowMs, offset, this.#sink)
  }

  end(): void {
    this.#pages.end(true)
  }

  /** Something is heard of a node. */
  heard(nodeKey: string, nowMs: number, offset: bigint): void {
    this.#listening.contact(nodeKey, nowMs, Number(offset))
  }

  /** A tick of a gateway. While there are no workers nobody asks for it, and nothing of it is kept. */
  tick(nowMs: number, offset: bigint): void {
    if (this.#pages.isEmpty) this.#listening.forgetGateways(nowMs, Number(offset))
    else this.#listening.contact(GATEWAYS, nowMs, Number(offset))
  }

  item(sender: Sender, index: number, item: FleetItem): WorkerOutcome | null {
    return this.#pages.item(sender, index, item)
  }

  /** A node says for the first time that it holds nothing of these spans back any more. `complete` follows. */
  tellComplete(sender: FleetNodeName, spans: readonly Span[], nowMs: number, offset: bigint): void {
    if (!this.#pages.has(sender.provider_id)) return
    this.#listening.complete(fleetNodeKey(sender), spans, nowMs, Number(offset))
  }

  /** The pages take in what the present record has made complete. */
  complete(sender: FleetNodeName): void {
    this.#pages.complete(sender)
  }

  /** A record is set aside since it cannot be decided: the pages never take it. */
  setAside(offset: bigint): void {
    if (!this.#pages.isEmpty) this.#listening.setAside(Number(offset))
  }

  /** The records of a transaction that goes up to `position`, at log time `nowMs`. */
  async appends(position: number, nowMs: number): Promise<TopicAppend[]> {
    const { topic, partition } = this.#parts
    const pages = await writePages(this.#pages, { topic, partition }, position, nowMs)
    const faces = [...(this.#rows?.faces ?? [])].map(([key, face]) => {
      return { topic, partition, key, value: face && fleetFaceCodec.encode(face) }
    })
    const heard = this.#listening
      .takeChanged(this.from(position), this.#oldestMs(nowMs))
      .map(([source, hearing]) => {
        return { topic, partition, key: hearingKey(source), value: fleetHearingCodec.encode(hearing) }
      })
    this.#rows = null
    return [...faces, ...heard, ...pages]
  }

  /** Log time of the page that is furthest behind, or before it. */
  #oldestMs(nowMs: number): number {
    return this.#pages.all.reduce((oldest, { writtenMs }) => Math.min(oldest, writtenMs ?? nowMs), nowMs)
  }

  get #sink(): PageSink {
    if (this.#rows === null) throw new Error('No transaction is open.')
    return this.#rows
  }
}
