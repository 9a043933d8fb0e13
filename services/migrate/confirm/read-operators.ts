import type { KafkaOptions } from '../../../pipelines/kafka/kafkajs/client.ts'
import { readPartition, readRanges } from '../../../pipelines/kafka/read.ts'
import { STATE_KEY, accountCodec, settlerTaskCodec } from '../../../schemas/avro.ts'
import { CONFIRMED_OPERATORS, rulesAt } from '../../../schemas/since.ts'
import type { SettlerTask } from '../../../schemas/records.ts'
import { KeyRing } from '../../access/key-ring.ts'
import { EXIT, ExitError } from '../../runtime/exit.ts'
import type { LayoutInForce } from '../../runtime/layout.ts'
import { nodeOfKey } from '../grow/move-accounts.ts'
import type { NamedOperator } from './decide-confirmations.ts'

/** Connections, and the names of the groups in which they read. */
export type ConfirmKafka = KafkaOptions & { readonly groupBase: string }

interface HeldOperator {
  readonly operatorId: string
  readonly sinceMs: number
  readonly isConfirmed: boolean
}

/**
 * Every operator of every node, from node.state. Exit 78 while the settlers of this version have not taken over: older
 * ones would set a confirmation aside.
 */
export async function readOperators(kafka: ConfirmKafka, layout: LayoutInForce): Promise<NamedOperator[]> {
  const named: NamedOperator[] = []
  for (let partition = 0; partition < layout.partitions; partition += 1) {
    const { task, nodes } = await readState(kafka, layout, partition)
    if (task === null) continue
    if (rulesAt(task.since, task.position) < CONFIRMED_OPERATORS) {
      throw new ExitError(
        EXIT.configuration,
        `The settlers of this version have not taken over ${layout.topics.nodeState}[${partition}] yet. Start them, then ask again.`,
      )
    }
    const beganMs = await confirmsSinceMs(kafka, layout, partition, task)
    for (const [nodeId, operators] of nodes) {
      for (const { operatorId, sinceMs, isConfirmed } of operators) {
        const isOfBefore = beganMs !== null && sinceMs < beganMs
        named.push({ nodeId, operatorId, isConfirmed, isOfBefore })
      }
    }
  }
  return named
}

async function readState(
  kafka: ConfirmKafka,
  { topics }: LayoutInForce,
  partition: number,
): Promise<{ task: SettlerTask | null; nodes: ReadonlyMap<string, readonly HeldOperator[]> }> {
  const nodes = new Map<string, readonly HeldOperator[]>()
  let task: SettlerTask | null = null
  for await (const records of readPartition({ ...kafka, topic: topics.nodeState, partition })) {
    for (const { key, value } of records) {
      const name = key?.toString('latin1') ?? STATE_KEY.fence
      if (name === STATE_KEY.task && value !== null) task = settlerTaskCodec.decode(value)
      if (nodeOfKey(name) !== name) continue
      if (value === null) nodes.delete(name)
      else nodes.set(name, heldOperators(value))
    }
  }
  return { task, nodes }
}

function heldOperators(value: Buffer): HeldOperator[] {
  return accountCodec.decode(value).operators.map(({ operator_id, since, confirmed }) => ({
    operatorId: operator_id,
    sinceMs: since,
    isConfirmed: confirmed,
  }))
}

/**
 * Log time from which on the partition's settler recorded who named an operator. Null where nothing is older, or where
 * the log no longer shows it: then no operator counts as an older one.
 */
async function confirmsSinceMs(
  kafka: ConfirmKafka,
  { topics }: LayoutInForce,
  partition: number,
  { since, position }: SettlerTask,
): Promise<number | null> {
  const began = since.find(({ rules }) => rules >= CONFIRMED_OPERATORS)
  if (began === undefined || began.offset === 0) return null
  const from = BigInt(began.offset)
  const inbox = { ...kafka, topic: topics.accountInbox }
  const start = (await readRanges(inbox)).get(partition)?.start ?? 0n
  if (start > from) return null
  for await (const records of readPartition({
    ...inbox,
    partition,
    from,
    to: BigInt(position),
    takesUnreadable: true,
  })) {
    const [first] = records
    if (first !== undefined) return first.timestampMs
  }
  return Number.POSITIVE_INFINITY
}

/** The ids of the keys with the scope admin, also of those that have ended since. */
export async function adminKeyIds(kafka: ConfirmKafka, layout: LayoutInForce): Promise<ReadonlySet<string>> {
  const ring = new KeyRing()
  for (let partition = 0; partition < layout.keysPartitions; partition += 1) {
    for await (const records of readPartition({ ...kafka, topic: layout.topics.accessKeys, partition })) {
      for (const record of records) ring.apply(record)
    }
  }
  return new Set(
    ring
      .all()
      .filter(({ scopes }) => scopes.includes('admin'))
      .map(({ key_id }) => key_id),
  )
}
