import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { schemaIdOf } from '../../../../schemas/avro.ts'
import { holdsUsageEvents, usageEventsIn } from '../../../../schemas/usage-values.ts'
import { identityOf as identityOfEvent } from '../../../../schemas/identity.ts'
import { topicNames } from '../../../../schemas/topics.ts'
import type { UsageEvent } from '../../../../schemas/usage.ts'
import { batchesOf, headerOf } from './batch-headers.ts'
import { recordsOf } from './batch-records.ts'
import type { History } from '../history/history.ts'
import type { Problems } from '../problems.ts'
import { idName, identityOf } from '../work.ts'

export interface ReplicasTarget {
  readonly logDirs: readonly string[]
  readonly topicPrefix: string
  readonly partitions: number
}

/** The position of the leader's term in a batch; each replica has it from the leader, and it is compared like the rest. */
type Chain = readonly { readonly offset: bigint; readonly bytes: Buffer }[]

/**
 * Compares the acknowledgements to clients with usage.metered on every broker's disk: the replicas of a partition are
 * equal, byte for byte, and every acknowledged event is in each. Returns how many replicas were read. Runs when nothing
 * is written any more.
 * is written any more.
 */
export async function checkReplicas(
  target: ReplicasTarget,
  history: History,
  problems: Problems,
): Promise<number> {
  const { logDirs, topicPrefix, partitions } = target
  if (logDirs.length === 0) return 0
  const topic = topicNames(topicPrefix).usageMetered
  const found = logDirs.map(() => new Set<string>())
  for (let partition = 0; partition < partitions; partition++) {
    const name = `${topic}-${partition}`
    let first: { readonly chain: Chain; readonly ids: readonly string[] } | undefined
    for (const [index, logDir] of logDirs.entries()) {
      const chain = await readChain(join(logDir, name))
      const difference = first === undefined ? null : firstDifference(first.chain, chain)
      if (difference !== null) {
        problems.add('replica', `${name}: broker ${index + 1} differs from broker 1 ${difference}`)
      }
      // Where both are equal, byte for byte, one of them need not be read.
      const ids = first === undefined || difference !== null ? await identitiesOf(chain) : first.ids
      first ??= { chain, ids }
      for (const id of ids) found[index]?.add(id)
    }
  }
  for (const [identity, { mustAppear }] of history.sent) {
    if (!mustAppear) continue
    const missing = found.flatMap((ids, index) => (ids.has(identity) ? [] : [index + 1]))
    if (missing.length === 0) continue
    problems.add(
      'replica',
      `event ${identity} was acknowledged and is not in the log of broker ${missing.join(', ')}`,
    )
  }
  return logDirs.length * partitions
}

/** The batches of one partition on one disk, oldest first. */
async function readChain(dir: string): Promise<Chain> {
  const segments = (await readdir(dir)).filter((name) => name.endsWith('.log')).toSorted()
  const chain: { offset: bigint; bytes: Buffer }[] = []
  for (const segment of segments) {
    for (const bytes of batchesOf(await readFile(join(dir, segment)))) {
      chain.push({ offset: headerOf(bytes).baseOffset, bytes })
    }
  }
  return chain
}

/** The difference in words, where two replicas are not equal; null where they are. */
function firstDifference(one: Chain, other: Chain): string | null {
  for (const [index, { offset, bytes }] of one.entries()) {
    const beside = other[index]
    if (beside === undefined) return `in its end: it has nothing from offset ${offset} on`
    if (!beside.bytes.equals(bytes)) return `at offset ${offset}`
  }
  const more = other[one.length]
  return more === undefined ? null : `in its end: it goes on at offset ${more.offset}`
}

async function identitiesOf(chain: Chain): Promise<string[]> {
  const identities: string[] = []
  for (const { bytes } of chain) {
    if (headerOf(bytes).marker !== null) continue
    for (const { value } of await recordsOf(bytes)) {
      if (value === null || !holdsUsageEvents(schemaIdOf(value))) continue
      for (const event of eventsOf(value)) {
        const { kind, bytes: id } = identityOfEvent(event)
        identities.push(identityOf(event.node_id, idName(kind, id.toString('hex'))))
      }
    }
  }
  return identities
}

/** Returns none where it cannot be read: a fault sends such records, and no client got an acknowledgement for one. */
function eventsOf(value: Buffer): readonly UsageEvent[] {
  try {
    return usageEventsIn(value)
  } catch {
    return []
  }
}
