import { aggregatorTaskCodec, settlerTaskCodec } from '../../../schemas/avro.ts'
import type { SettlerTask } from '../../../schemas/records.ts'
import { WATERMARK_DELAY_MS } from '../../../schemas/usage.ts'
import type {
  Check,
  CheckCounts,
  NewestTasks,
  PartitionCheck,
  VerifiedVersion,
  VerifyRun,
  VersionCheck,
} from '../check.ts'
import type { CatchUp } from '../horizon.ts'
import { countOf, readUndecided } from '../undecided.ts'
import type { Carried } from './carried.ts'
import { compareAccounts } from './compare.ts'
import { readInbox } from './inbox.ts'
import { readNodeState } from './node-state.ts'
import type { NodeState } from './node-state.ts'
import { AccountTables } from './tables.ts'
import { AccountEnd } from './version-end.ts'
import { Wallets } from './wallets.ts'

/** The sums of what was compared, over all versions so far. */
interface AccountTally {
  accounts: number
  /** Accounts that are older than account.inbox. */
  older: number
  undecided: number
}

/** Compares account.inbox with decisions, settlements, the audit, accounts, outcomes and, over all versions, wallets. */
export class AccountCheck implements Check {
  readonly name = 'account'
  /** With all of usage: accounts are compared up to what was counted. */
  readonly reads = ['usageMetered', 'usageIds', 'accountInbox', 'nodeState'] as const
  readonly task = {
    state: 'nodeState',
    blocks: 'settlementBlocks',
    nextSeqOf: (record: Buffer): number => settlerTaskCodec.decode(record).next_seq,
  } as const
  readonly #run: VerifyRun
  readonly #rows: AccountTables
  readonly #wallets = new Wallets()
  readonly #tally: AccountTally = { accounts: 0, older: 0, undecided: 0 }
  #before: AccountEnd | null = null

  constructor(run: VerifyRun) {
    this.#run = run
    this.#rows = new AccountTables(run.tables)
  }

  begin(version: VerifiedVersion): VersionCheck {
    const carried = this.#before?.begin(version.partitions) ?? null
    const end = new AccountEnd(version.ended)
    this.#before = end
    const shared = { run: this.#run, rows: this.#rows, wallets: this.#wallets, tally: this.#tally }
    return new AccountsOfVersion({ ...shared, version, carried, end })
  }

  /** Balances cover all versions: what a version paid counts although its logs are gone. */
  async passOver({ topics, partitions, ended }: VerifiedVersion): Promise<void> {
    this.#before = new AccountEnd(ended)
    for (let partition = 0; partition < partitions; partition += 1) {
      const blocks = { topic: topics.settlementBlocks, partition, seqBelow: Number.MAX_SAFE_INTEGER }
      for await (const row of this.#rows.ledger(blocks)) {
        this.#wallets.addEntry(String(row['wallet_id']), BigInt(String(row['amount_micro_spark'])))
      }
    }
  }

  finish(): CheckCounts {
    const { accounts, older, undecided } = this.#tally
    const wallets = this.#wallets.compare(this.#run.differences)
    const line = `${accounts - older} accounts from their first record on, ${older} older than the inbox`
    return {
      compared: [
        [accounts, 'accounts'],
        [wallets, 'wallets'],
      ],
      undecided,
      otherwise: older === 0 ? [] : [line],
      leftOut: [],
    }
  }
}

interface OfVersionParts {
  readonly run: VerifyRun
  readonly rows: AccountTables
  readonly wallets: Wallets
  readonly tally: AccountTally
  readonly version: VerifiedVersion
  /** What the partitions began with, where another version of the topics ended before. */
  readonly carried: ReadonlyMap<number, Carried> | null
  readonly end: AccountEnd
}

class AccountsOfVersion implements VersionCheck {
  readonly #parts: OfVersionParts

  constructor(parts: OfVersionParts) {
    this.#parts = parts
  }

  /** Usage that was counted when the comparison began must have reached the accounts. */
  async find(partition: number, newest: NewestTasks, catchUp: CatchUp): Promise<PartitionCheck | null> {
    const { logs, topics } = this.#parts.version
    const counted = newest.get('usageIds') ?? null
    // The check of usage has reported this.
    if (counted === null) return null
    const { position } = aggregatorTaskCodec.decode(counted)
    await catchUp.until(async () => {
      const record = await logs.newestTask('nodeState', partition)
      if (record === null) {
        return `The settler has written nothing to ${topics.nodeState} partition ${partition}.`
      }
      const { handed_offset } = settlerTaskCodec.decode(record)
      if (handed_offset >= position) return true
      return `The settler has taken in ${topics.usageMetered} partition ${partition} up to offset ${handed_offset} of ${position}.`
    })
    const { task, ...state } = await readNodeState(logs, partition)
    if (task === null) throw new Error(`${topics.nodeState} partition ${partition} lost its task records.`)
    return {
      blocks: { topic: topics.settlementBlocks, partition, seqBelow: task.next_seq },
      watermarkMs: Math.max(0, task.now - WATERMARK_DELAY_MS),
      compare: () => this.#compare(partition, task, state),
    }
  }

  async #compare(partition: number, task: SettlerTask, state: Omit<NodeState, 'task'>): Promise<void> {
    const { run, rows, wallets, tally, version, end } = this.#parts
    const { tables, differences } = run
    const { logs, topics } = version
    const isInForce = version.ended === null
    const inboxTopic = topics.accountInbox
    const carried = this.#parts.carried?.get(partition) ?? null
    const blocks = { topic: topics.settlementBlocks, partition, seqBelow: task.next_seq }
    const undecided = await readUndecided(tables, blocks, inboxTopic)
    tally.undecided += countOf(undecided)
    const inbox = await readInbox(logs, partition, task, differences, carried, undecided)
    const compared = await compareAccounts(
      {
        tables,
        rows,
        differences,
        wallets,
        inboxTopic,
        carried: carried?.accounts ?? new Map(),
        isInForce,
      },
      blocks,
      inbox,
      state,
    )
    end.add(task, state)
    if (!isInForce) return
    tally.accounts += compared.fromZero + compared.older
    tally.older += compared.older
  }
}
