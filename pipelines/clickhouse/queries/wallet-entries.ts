import type { ClickhouseClient } from '../client.ts'

/** An entry of a wallet, as it is in the ledger. */
export interface WalletEntryRow {
  readonly entry_id: string
  readonly counter_wallet_id: string
  readonly node_id: string
  readonly kind: string
  readonly reference_id: string
  readonly micro_spark: string
  readonly booked_ms: string
  readonly src_partition: number
  readonly src_seq: string
}

/** Place of an entry in the wallet: log time, partition, block, and the entry within its block. */
export interface EntryPosition {
  readonly bookedMs: string
  readonly partition: string
  readonly seq: string
  readonly entryId: string
}

export interface WalletEntriesQuery {
  readonly walletId: string
  /** Only entries booked before this time: no partition can still add one there. */
  readonly beforeMs: number
  readonly after: EntryPosition | null
  readonly limit: number
}

const NO_ENTRY = '00000000-0000-0000-0000-000000000000'

/** Entries of a wallet, oldest first. */
export async function walletEntries(
  client: ClickhouseClient,
  query: WalletEntriesQuery,
): Promise<WalletEntryRow[]> {
  const { after } = query
  return await client.rows<WalletEntryRow>(
    `SELECT entry_id, counter_wallet_id, node_id, kind, reference_id, amount_micro_spark AS micro_spark,
            toUnixTimestamp64Milli(booked_at) AS booked_ms, src_partition, src_seq
     FROM wallet_ledger
     WHERE wallet_id = {wallet_id:String}
       AND booked_at < fromUnixTimestamp64Milli({before_ms:Int64})
       AND (booked_at, src_partition, src_seq, entry_id)
         > (fromUnixTimestamp64Milli({after_ms:Int64}), {after_partition:UInt16}, {after_seq:UInt64}, {after_entry:UUID})
     ORDER BY booked_at, src_partition, src_seq, entry_id
     LIMIT {limit:UInt32}`,
    {
      wallet_id: query.walletId,
      before_ms: query.beforeMs,
      after_ms: after?.bookedMs ?? 0,
      after_partition: after?.partition ?? 0,
      after_seq: after?.seq ?? 0,
      after_entry: after?.entryId ?? NO_ENTRY,
      limit: query.limit,
    },
  )
}
