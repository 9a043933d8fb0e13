import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import {
  inboxCommandCodec,
  inboxConfigureCodec,
  inboxHeartbeatCodec,
  schemaIdOf,
} from '../../../schemas/avro.ts'
import { formatUuid, partitionOfNode } from '../../../schemas/ids.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { arePossibleRules } from '../../../services/verify/account/bounds.ts'
import { fuzzedRequest } from '../../support/records/fuzzed-inbox.ts'
import { fuzzedKey } from '../../support/records/fuzzed-keys.ts'
import { command } from '../../support/records/inbox-requests.ts'
import { until } from '../../support/until.ts'
import type { FaultContext } from '../harness/fault.ts'
import type { RequestAttempt } from './history.ts'

/** Requests and keys as no client makes them, in the topics that gateway, reader and the keys command write. */

const REQUESTS = 1_000
const KEYS = 200
const RECORDS_PER_APPEND = 50
const DECIDED_MS = 60_000

/** The rules that hold in a run: no others may come into force, or money would be computed by them. */
const STANDING_VERSION = 1

type Parts = Pick<FaultContext, 'fleet' | 'history' | 'dice'>
type HistoryEntry = Omit<RequestAttempt, 'outcome' | 'at'>

/**
 * Appends commands, heartbeats and rules to account.inbox, about nodes that have no work: they change no other payment.
 * After them an ordinary command is decided in every partition.
 */
export async function sendFuzzedRequests({ fleet, history, dice }: Parts): Promise<void> {
  const { kafka, topics, partitions } = fleet.installation
  const nodes = Array.from({ length: partitions }, (_, partition) => nodesWithoutWork(partition, partitions))
  const producer = new IdempotentProducer({ ...kafka, topic: topics.accountInbox, metrics: noMetrics })
  const last: HistoryEntry[] = []
  const sent = new Set<string>()
  try {
    for (let made = 0; made < REQUESTS; made += RECORDS_PER_APPEND) {
      const records = Array.from({ length: RECORDS_PER_APPEND }, () => {
        const partition = dice.between(0, partitions - 1)
        const own = nodes[partition] ?? []
        const { value, entry } = harmless(dice, own, sent)
        if (entry !== null) history.addRequest({ ...entry, at: systemClock.nowMs(), outcome: 'unknown' })
        return { partition, key: dice.pick([null, '', '!task', ...own]), value }
      })
      await producer.append(records)
    }
    for (const [partition, [node = '']] of nodes.entries()) {
      const id = systemRandom.bytes(16)
      const entry = { node, id: id.toString('hex'), kind: 'join', reservation: null, impressions: 0 }
      last.push(entry)
      const value = inboxCommandCodec.encode(
        command('join', { node_id: node, command_id: formatUuid(id), caller: 'fuzz-end' }),
      )
      history.addRequest({ ...entry, at: systemClock.nowMs(), outcome: 'unknown' })
      await producer.append([{ partition, key: node, value }])
      history.addRequest({ ...entry, at: systemClock.nowMs(), outcome: 'accepted' })
    }
  } finally {
    await producer.stop()
  }
  await untilDecided({ fleet }, last)
}

/** Appends values to access.keys; afterwards the command that reads them all ends, and reports what it found. */
export async function sendFuzzedKeys({ fleet, dice }: Parts): Promise<void> {
  const { installation } = fleet
  const { kafka, topics, partitions } = installation
  const producer = new IdempotentProducer({ ...kafka, topic: topics.accessKeys, metrics: noMetrics })
  const keyIds = Array.from({ length: 10 }, () => systemRandom.bytes(8).toString('hex'))
  try {
    for (let sent = 0; sent < KEYS; sent += RECORDS_PER_APPEND) {
      await producer.append(
        Array.from({ length: RECORDS_PER_APPEND }, () => ({
          partition: dice.between(0, partitions - 1),
          ...fuzzedKey(dice, keyIds),
        })),
      )
    }
  } finally {
    await producer.stop()
  }
  const { exitCode, output } = await installation.command('keys', ['list'])
  if (exitCode !== 0) throw new Error(`keys list ended with ${exitCode}: ${output.slice(0, 1_000)}`)
  if (!output.includes('unreadable')) throw new Error('keys list names no key that cannot be read')
}

/** Nodes of a partition that get requests and never work. */
function nodesWithoutWork(partition: number, partitions: number): string[] {
  const nodes: string[] = []
  for (let number = 0; nodes.length < 3; number++) {
    const node = `fuzz-asked-${number}`
    if (partitionOfNode(node, partitions) === partition) nodes.push(node)
  }
  return nodes
}

/**
 * A value, and the request in it where it can be read: nothing about another node, and no rules that would come into
 * force.
 */
function harmless(
  dice: FaultContext['dice'],
  nodes: readonly string[],
  sent: Set<string>,
): { readonly value: Buffer | null; readonly entry: HistoryEntry | null } {
  for (;;) {
    const value = fuzzedRequest(dice, { nodes, versions: [STANDING_VERSION] })
    if (bringsRules(value)) continue
    const entry = entryOf(value)
    if (entry === null) return { value, entry }
    if (nodes.includes(entry.node)) {
      // A repeated command may be decided again, once its outcome is forgotten: the checker knows each command only once.
      const name = `${entry.node} ${entry.id}`
      if (sent.has(name)) continue
      sent.add(name)
      return { value, entry }
    }
    // A command under a name that no node can have is set aside; under the name of another node it would count for that
    // node.
    if (!/^[A-Za-z0-9._:-]{1,64}$/.test(entry.node)) return { value, entry: null }
  }
}

function bringsRules(value: Buffer | null): boolean {
  if (value === null || !inboxConfigureCodec.schemaIds.includes(schemaIdOf(value))) return false
  try {
    const rules = inboxConfigureCodec.decode(value)
    return rules.version > STANDING_VERSION && arePossibleRules(rules)
  } catch {
    return false
  }
}

/** The command or heartbeat that a value may be taken for. */
function entryOf(value: Buffer | null): HistoryEntry | null {
  if (value === null) return null
  try {
    if (schemaIdOf(value) === inboxHeartbeatCodec.schemaId) {
      const { node_id, heartbeat_hash, ad_impressions } = inboxHeartbeatCodec.decode(value)
      const id = heartbeat_hash.toString('hex')
      return { node: node_id, id, kind: 'heartbeat', reservation: null, impressions: ad_impressions }
    }
    if (!inboxCommandCodec.schemaIds.includes(schemaIdOf(value))) return null
    const { node_id, command_id, kind, reservation_id } = inboxCommandCodec.decode(value)
    const id = command_id.replaceAll('-', '')
    return { node: node_id, id, kind, reservation: reservation_id, impressions: 0 }
  } catch {
    return null
  }
}

/** Waits until the audit has each of the commands: then the settlers have passed everything before them. */
async function untilDecided(
  { fleet }: Pick<FaultContext, 'fleet'>,
  commands: readonly HistoryEntry[],
): Promise<void> {
  let found = 0
  await until(
    `${commands.length} commands behind the fuzzed ones to be decided`,
    DECIDED_MS,
    async () => {
      const [row] = await fleet.installation.clickhouse.rows<{ rows: string }>(
        'SELECT uniqExact(command_id) AS rows FROM audit_log WHERE command_id IN {ids:Array(UUID)}',
        { ids: commands.map(({ id }) => formatUuid(Buffer.from(id, 'hex'))) },
      )
      found = Number(row?.rows)
      return found >= commands.length
    },
    async () => [`${found} are there`, ...(await fleet.halts())].join('\n'),
  )
}
