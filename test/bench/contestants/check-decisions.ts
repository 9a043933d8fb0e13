import { zstdDecompressSync } from 'node:zlib'
import { systemRandom } from '../../../pipelines/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { isTick, toBlock } from '../../../pipelines/load/group.ts'
import { readPartition } from '../../../pipelines/kafka/read.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { accountCodec } from '../../../schemas/avro.ts'
import { DECISIONS, TABLES } from '../../../schemas/tables.ts'
import { topicNames } from '../../../schemas/topics.ts'
import type { InboxTruth } from '../loads/inbox-data.ts'
import { scanRows } from '../harness/row-scan.ts'

/** What a settler wrote about its costs. */
export interface Decided {
  readonly settlements: number
  readonly accounts: number
}

interface Turn {
  readonly brokers: readonly string[]
  readonly prefix: string
  readonly partitions: number
  readonly truth: InboxTruth
}

/**
 * Throws unless every cost was decided once: one row per cost, numbered without a gap in the sequence of its node, all of
 * them payable, with the sum of the inbox; the settled sums and the pending sums of the newest accounts add up to that
 * sum again; and the ledger's legs add up to zero.
 */
export async function checkDecisions(turn: Turn): Promise<Decided> {
  const { costs, costNanoUsd } = turn.truth
  const blocks = new BlockSums()
  const accounts = new Map<string, Buffer>()
  const topics = topicNames(turn.prefix)
  for (let partition = 0; partition < turn.partitions; partition++) {
    for await (const record of recordsOf(turn, topics.settlementBlocks, partition)) blocks.add(record)
    for await (const { key, value } of recordsOf(turn, topics.nodeState, partition)) {
      const name = key?.toString('latin1') ?? '!'
      if (!name.startsWith('!') && value !== null) accounts.set(name, value)
    }
  }
  let decided = 0
  let pending = 0
  let spentNanoUsd = 0n
  for (const value of accounts.values()) {
    const account = accountCodec.decode(value)
    decided += account.cost_seq
    pending += account.pending_count
    spentNanoUsd += account.pending_nano_usd + account.settled_nano_usd
  }
  check('decisions', blocks.decisions, costs)
  check('nano-USD decided', blocks.decidedNanoUsd, costNanoUsd)
  check('costs of the accounts', decided, costs)
  check('nano-USD of the accounts', spentNanoUsd, costNanoUsd)
  check('costs settled or pending', blocks.settledCosts + pending, costs)
  check('micro-Spark of all ledger legs', blocks.ledgerMicroSpark, 0n)
  check('legs', blocks.legs, blocks.settlements * 2)
  return { settlements: blocks.settlements, accounts: accounts.size }
}

async function* recordsOf(turn: Turn, topic: string, partition: number): AsyncGenerator<LogRecord> {
  const { brokers } = turn
  const log = readPartition({
    brokers,
    clientId: 'bench-check',
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
    topic,
    partition,
  })
  for await (const records of log) yield* records
}

/** The sums of a settler's blocks. */
class BlockSums {
  decisions = 0
  decidedNanoUsd = 0n
  settlements = 0
  settledCosts = 0
  legs = 0
  ledgerMicroSpark = 0n
  readonly #lastSeq = new Map<string, number>()

  add(record: LogRecord): void {
    if (isTick(record)) return
    const { table, columns, rows, packed } = toBlock(record)
    const bytes = packed ? zstdDecompressSync(rows) : rows
    const names = columns.split(',')
    if (table === TABLES.costDecisions.name) {
      scanRows(table, names, bytes, (row) => {
        this.decisions++
        this.decidedNanoUsd += row.i64('cost_nano_usd')
        check('kind of decision', row.u8('decision'), DECISIONS.pending)
        const node = row.text('node_id')
        const seq = Number(row.i64('cost_seq'))
        check(`number of the cost of ${node}`, seq, (this.#lastSeq.get(node) ?? 0) + 1)
        this.#lastSeq.set(node, seq)
      })
    } else if (table === TABLES.settlements.name) {
      scanRows(table, names, bytes, (row) => {
        this.settlements++
        this.settledCosts += Number(row.i64('costs'))
      })
    } else if (table === TABLES.walletLedger.name) {
      scanRows(table, names, bytes, (row) => {
        this.legs++
        this.ledgerMicroSpark += row.i64('micro_spark')
      })
    }
  }
}

function check(what: string, found: bigint | number, expected: bigint | number): void {
  if (found !== expected) throw new Error(`The decisions are wrong: ${what}: ${found}, not ${expected}.`)
}
