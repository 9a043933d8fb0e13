import { bitsBefore, ID_KINDS } from '../../schemas/identity.ts'
import { viewOf } from '../../schemas/rowbinary.ts'
import type { UsageColumns } from './decode.ts'
import { hashContent, hashEventId, nodeKey, textKey } from '../dedupe/id-hash.ts'
import type { NodeKey } from '../dedupe/id-hash.ts'
import { ENTRY_WORDS } from '../dedupe/id-table.ts'
import { lookupName } from '../dedupe/lookup.ts'
import { moreContent } from './more-content.ts'
import type { LookupKey } from '../dedupe/lookup.ts'
import { ID_FORM } from './text-id.ts'

/**
 * The identities of the events in the columns: their entries in memory, and their keys for look-ups in ClickHouse. It keeps
 * what it derived from nodes, by their numbers in the columns' dictionaries.
 */
export class EventIdentities {
  readonly #columns: UsageColumns
  readonly #idKey: Buffer
  readonly #entry = new Int32Array(ENTRY_WORDS)
  readonly #nodeKeys: (NodeKey | undefined)[] = []
  readonly #textKeys: (NodeKey | undefined)[] = []

  constructor(columns: UsageColumns, idKey: Buffer) {
    this.#columns = columns
    this.#idKey = idKey
  }

  /** The dictionaries are emptied. */
  forget(): void {
    this.#nodeKeys.length = 0
    this.#textKeys.length = 0
  }

  /** Writes the entry of event `index`, its identity and content, into `out[at, at + 6)`. */
  hash(index: number, out: Int32Array, at: number): void {
    const columns = this.#columns
    const node = columns.node[index] as number
    const key = columns.idForm[index] === ID_FORM.hashed ? this.#textKey(node) : this.#nodeKey(node)
    hashEventId(columns.idView(index), columns.idStart[index] as number, key, out, at)
    this.#hashContent(index, out, at)
  }

  /** The entry of event `index`; valid until the next call. */
  entryOf(index: number): Int32Array {
    this.hash(index, this.#entry, 0)
    return this.#entry
  }

  /** The entry that the text of event `index` had before rules 3; valid until the next call. */
  entryBefore(index: number): Int32Array {
    const key = this.#nodeKey(this.#columns.node[index] as number)
    hashEventId(viewOf(this.#bitsBefore(index)), 0, key, this.#entry)
    this.#hashContent(index, this.#entry, 0)
    return this.#entry
  }

  /** The key by which event `index` is looked up. */
  keyOf(index: number): LookupKey {
    const columns = this.#columns
    const start = columns.idStart[index] as number
    const eventId = Buffer.from(columns.idBytes(index).subarray(start, start + 16))
    return this.#key(index, ID_KINDS[columns.idKind(index)] ?? 'id', eventId)
  }

  /** The key by which the text of event `index` is looked up as versions before rules 3 stored it. */
  keyBefore(index: number): LookupKey {
    return this.#key(index, 'id', this.#bitsBefore(index))
  }

  /** The name under which a look-up of event `index` finds it. */
  nameOf(index: number): string {
    const { nodeId, eventId, kind } = this.keyOf(index)
    return lookupName(nodeId, eventId.toString('hex'), kind)
  }

  nameBefore(index: number): string {
    const { nodeId, eventId, kind } = this.keyBefore(index)
    return lookupName(nodeId, eventId.toString('hex'), kind)
  }

  #key(index: number, kind: LookupKey['kind'], eventId: Buffer): LookupKey {
    const { nodes, node, occurredAt } = this.#columns
    return {
      nodeId: nodes.text(node[index] as number),
      occurredAtMs: occurredAt[index] as number,
      eventId,
      kind,
    }
  }

  #bitsBefore(index: number): Buffer {
    const { bytes, eventText } = this.#columns
    return bitsBefore(bytes.toString('utf8', eventText.start[index], eventText.end[index]))
  }

  #hashContent(index: number, out: Int32Array, at: number): void {
    const { view, contentStart, contentEnd, hasMore, bytes } = this.#columns
    const start = contentStart[index] as number
    const end = contentEnd[index] as number
    const more = hasMore[index] === 1 ? moreContent(this.#columns, index) : null
    if (more === null || more.length === 0) {
      hashContent(view, start, end, out, at)
      return
    }
    const whole = Buffer.concat([bytes.subarray(start, end), more])
    hashContent(viewOf(whole), 0, whole.length, out, at)
  }

  #nodeKey(node: number): NodeKey {
    return (this.#nodeKeys[node] ??= nodeKey(this.#idKey, this.#columns.nodes.bytes(node)))
  }

  #textKey(node: number): NodeKey {
    return (this.#textKeys[node] ??= textKey(this.#idKey, this.#columns.nodes.bytes(node)))
  }
}
