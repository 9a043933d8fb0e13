import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { operatorCommands } from '../../../pipelines/clickhouse/queries/audit.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { readPartition, readRanges } from '../../../pipelines/kafka/read.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { STATE_KEY, inboxCommandCodec } from '../../../schemas/avro.ts'
import { commandOutcomeCodec } from '../../../schemas/commands/outcome.ts'
import type { CommandOutcome } from '../../../schemas/commands/outcome.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { InboxCommand } from '../../../schemas/records.ts'
import type { Config } from '../../runtime/config.ts'
import { EXIT, ExitError } from '../../runtime/exit.ts'
import type { ExitCode } from '../../runtime/exit.ts'
import { kafkaOf } from '../../runtime/kafka.ts'
import { layoutOf } from '../../runtime/layout.ts'
import type { LayoutInForce } from '../../runtime/layout.ts'
import { confirmCommand, decideConfirmations, namedByAdmins } from './decide-confirmations.ts'
import { adminKeyIds, readOperators } from './read-operators.ts'
import type { ConfirmKafka } from './read-operators.ts'

const CLIENT_ID = 'hivemeter-migrate'

/** Commands of one append. */
const COMMANDS_AT_ONCE_MAX = 1_000

/** How often the command checks for outcomes, and after how many checks it reports again what it waits for. */
const LOOK_PAUSE_MS = 1_000
const LOOKS_PER_WORD = 10

export interface ConfirmParts {
  readonly config: Config
  readonly client: ClickhouseClient
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  /** Called once, with what would be done; null where nobody can be asked. */
  readonly isAgreed: ((question: string) => Promise<boolean>) | null
}

/**
 * Lists the older operators that may be confirmed and, where the user agrees, confirms them: by commands in the nodes'
 * own order, each with an id of its own, so that an interrupted run can simply be repeated.
 */
export async function confirmOperators(parts: ConfirmParts): Promise<ExitCode> {
  const { config, client, say, isAgreed } = parts
  const layout = await layoutOf(config, CLIENT_ID)
  if (layout.growing !== null) {
    throw new ExitError(
      EXIT.configuration,
      `The installation is being grown: finish that first (npm run migrate -- --grow ${layout.growing.partitions}).`,
    )
  }
  const kafka = {
    ...kafkaOf(config, CLIENT_ID, silentLogger),
    groupBase: `${config.topicPrefix}confirm`,
  }
  const named = await readOperators(kafka, layout)
  const audited = await operatorCommands(client)
  const confirmations = decideConfirmations(named, namedByAdmins(audited, await adminKeyIds(kafka, layout)))
  for (const { nodeId, operatorId, because } of confirmations) say(`${nodeId}  ${operatorId}  ${because}`)
  const open = named.filter(({ isConfirmed }) => !isConfirmed).length
  say(
    `Operators to confirm: ${confirmations.length}, of ${open} that nobody has confirmed. The others stay as they are: an admin's claim or transfer confirms one.`,
  )
  if (confirmations.length === 0) return EXIT.ok
  if (isAgreed === null || !(await isAgreed(`Confirm these ${confirmations.length}?`))) {
    say('Nothing was changed; with --yes they are confirmed.')
    return EXIT.ok
  }
  const outcomes = await decided(parts, kafka, layout, confirmations.map(confirmCommand))
  const done = [...outcomes.values()].filter(({ become }) => become !== 'refused').length
  say(`Operators confirmed: ${done}.`)
  for (const [name, outcome] of outcomes) if (outcome.become === 'refused') say(`${name}: ${outcome.detail}`)
  return done === confirmations.length ? EXIT.ok : EXIT.failure
}

/** Writes the commands and waits until the settlers have decided them all; by node and operator. */
async function decided(
  { clock, signal, say }: ConfirmParts,
  kafka: ConfirmKafka,
  { topics, partitions }: LayoutInForce,
  commands: readonly InboxCommand[],
): Promise<ReadonlyMap<string, CommandOutcome>> {
  const ends = await readRanges({ ...kafka, topic: topics.nodeState })
  const from = new Map([...ends].map(([partition, { end }]) => [partition, end]))
  const waiting = new Map(
    commands.map((command) => [
      `${STATE_KEY.commands}${command.node_id}/${command.command_id}`,
      { command, partition: partitionOfNode(command.node_id, partitions) },
    ]),
  )
  await append(kafka, topics.accountInbox, [...waiting.values()])
  const outcomes = new Map<string, CommandOutcome>()
  for (let looks = 0; waiting.size > 0; looks += 1) {
    signal.throwIfAborted()
    for (const partition of new Set([...waiting.values()].map((one) => one.partition))) {
      for await (const records of readPartition({
        ...kafka,
        topic: topics.nodeState,
        partition,
        from: from.get(partition) ?? 0n,
      })) {
        for (const { key, value, offset } of records) {
          from.set(partition, offset + 1n)
          const name = key?.toString('latin1') ?? ''
          const command = waiting.get(name)?.command
          if (command === undefined || value === null) continue
          outcomes.set(`${command.node_id} ${command.operator_id}`, commandOutcomeCodec.decode(value))
          waiting.delete(name)
        }
      }
    }
    if (waiting.size === 0) break
    if (looks % LOOKS_PER_WORD === LOOKS_PER_WORD - 1)
      say(
        `Waits for the settler to decide ${waiting.size} more: it must run (npm run settler, or npm start).`,
      )
    await clock.delay(LOOK_PAUSE_MS, signal)
  }
  return outcomes
}

async function append(
  kafka: ConfirmKafka,
  topic: string,
  commands: readonly { readonly command: InboxCommand; readonly partition: number }[],
): Promise<void> {
  const producer = new IdempotentProducer({ ...kafka, topic, metrics: noMetrics })
  try {
    for (let at = 0; at < commands.length; at += COMMANDS_AT_ONCE_MAX) {
      await producer.append(
        commands.slice(at, at + COMMANDS_AT_ONCE_MAX).map(({ command, partition }) => ({
          partition,
          key: command.node_id,
          value: inboxCommandCodec.encode(command),
        })),
      )
    }
  } finally {
    await producer.stop()
  }
}
