import { STATE_KEY, heartbeatsCodec } from '../../schemas/avro.ts'
import { ownBytes } from '../../schemas/own-bytes.ts'
import { HOUR_MS } from '../../schemas/units.ts'

/**
 * Which heartbeats were accepted, so that a repeated one changes nothing. The memory is bounded by time and not by
 * number: one request holds a thousand heartbeats, and while only sixteen were remembered, a sender who sent a request
 * twice was paid twice.
 */

/** How long a heartbeat is remembered, by log time: one that is sent again later counts as another one. */
export const HEARTBEAT_MEMORY_MS = HOUR_MS

/** Heartbeats of a node that are remembered within that time, and so may earn something. */
export const HEARTBEATS_REMEMBERED_MAX = 1_000

/** Bytes of an entry, and of the hash at its end. */
const ENTRY_BYTES = 16
const HASH_BYTES = 8

/** `too_many`: later on it could not be told from a repeat, so it earns nothing. */
export type Taken = 'new' | 'repeat' | 'too_many'

/** The heartbeats of a partition's nodes within the last hour. A node without any heartbeat has no entry. */
export class HeartbeatMemory {
  /** Packed as in the record; the node that was in contact last is the last entry. */
  readonly #nodes = new Map<string, Buffer>()
  readonly #changed = new Set<string>()

  /** Takes in a record of the state; `null` means that the node is forgotten. */
  restore(key: string, value: Buffer | null): void {
    const nodeId = key.slice(STATE_KEY.heartbeats.length)
    this.#nodes.delete(nodeId)
    if (value !== null) this.#nodes.set(nodeId, ownBytes(heartbeatsCodec.decode(value).taken))
  }

  /**
   * Remembers a heartbeat that is new at log time `nowMs`, and with it `before`: hashes from the time when they were kept
   * in the account, newest last, which count as accepted now.
   */
  take(nodeId: string, hash: Buffer, nowMs: number, before: Buffer): Taken {
    const known = Buffer.concat([...this.#recent(nodeId, nowMs), ...entriesOf(before, nowMs)])
    for (let at = ENTRY_BYTES - HASH_BYTES; at < known.length; at += ENTRY_BYTES) {
      if (known.subarray(at, at + HASH_BYTES).equals(hash)) return 'repeat'
    }
    if (known.length >= HEARTBEATS_REMEMBERED_MAX * ENTRY_BYTES) return 'too_many'
    this.#keep(nodeId, Buffer.concat([known, entryOf(hash, nowMs)]))
    return 'new'
  }

  /** Forgets nodes whose newest heartbeat is older than the memory, oldest first. */
  forgetDue(nowMs: number): void {
    for (const [nodeId, entries] of this.#nodes) {
      if (Number(entries.readBigInt64BE(entries.length - ENTRY_BYTES)) > nowMs - HEARTBEAT_MEMORY_MS) return
      this.#nodes.delete(nodeId)
      this.#changed.add(nodeId)
    }
  }

  /** The records of what changed since the last call; a node that was forgotten has null. */
  changes(): { readonly key: string; readonly value: Buffer | null }[] {
    const changes = [...this.#changed].map((nodeId) => {
      const taken = this.#nodes.get(nodeId)
      const value = taken === undefined ? null : heartbeatsCodec.encode({ node_id: nodeId, taken })
      return { key: `${STATE_KEY.heartbeats}${nodeId}`, value }
    })
    this.#changed.clear()
    return changes
  }

  #keep(nodeId: string, entries: Buffer): void {
    this.#nodes.delete(nodeId)
    this.#nodes.set(nodeId, ownBytes(entries))
    this.#changed.add(nodeId)
  }

  /** The entries of the last hour, as one piece, or none. */
  #recent(nodeId: string, nowMs: number): Buffer[] {
    const entries = this.#nodes.get(nodeId)
    if (entries === undefined) return []
    let at = 0
    while (at < entries.length && Number(entries.readBigInt64BE(at)) <= nowMs - HEARTBEAT_MEMORY_MS) {
      at += ENTRY_BYTES
    }
    return [entries.subarray(at)]
  }
}

function entryOf(hash: Buffer, atMs: number): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES)
  entry.writeBigInt64BE(BigInt(atMs))
  hash.copy(entry, ENTRY_BYTES - HASH_BYTES)
  return entry
}

function entriesOf(hashes: Buffer, atMs: number): Buffer[] {
  const entries: Buffer[] = []
  for (let at = 0; at < hashes.length; at += HASH_BYTES) {
    entries.push(entryOf(hashes.subarray(at, at + HASH_BYTES), atMs))
  }
  return entries
}
