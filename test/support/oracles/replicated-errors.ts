/**
 * The errors of replicated servers that single ones do not have, by their meaning for a statement: its outcome is unknown
 * (it may still take effect, so the sender looks), it was not begun (the same statement may pass later), or it is refused
 * for good. The first two are the same for the caller, who always looks.
 */
export const REPLICATED_ERRORS: Readonly<
  Record<'unknown' | 'away' | 'refused', Readonly<Record<number, string>>>
> = {
  unknown: {
    232: 'NO_SUCH_DATA_PART',
    234: 'NO_REPLICA_HAS_PART',
    244: 'UNEXPECTED_ZOOKEEPER_ERROR',
    289: 'REPLICA_IS_NOT_IN_QUORUM',
    319: 'UNKNOWN_STATUS_OF_INSERT',
    341: 'UNFINISHED',
    416: 'REPLICA_STATUS_CHANGED',
    999: 'KEEPER_EXCEPTION',
  },
  away: {
    224: 'REPLICA_IS_ALREADY_ACTIVE',
    225: 'NO_ZOOKEEPER',
    242: 'TABLE_IS_READ_ONLY',
    254: 'NO_ACTIVE_REPLICAS',
    265: 'NO_AVAILABLE_REPLICA',
    285: 'TOO_FEW_LIVE_REPLICAS',
    286: 'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE',
    369: 'ALL_REPLICAS_ARE_STALE',
    384: 'PART_IS_TEMPORARILY_LOCKED',
    517: 'CANNOT_ASSIGN_ALTER',
    519: 'NO_REMOTE_SHARD_AVAILABLE',
    529: 'NOT_A_LEADER',
  },
  refused: {
    36: 'BAD_ARGUMENTS',
    122: 'INCOMPATIBLE_COLUMNS',
    139: 'NO_ELEMENTS_IN_CONFIG',
    253: 'REPLICA_ALREADY_EXISTS',
    342: 'METADATA_MISMATCH',
    392: 'QUERY_IS_PROHIBITED',
    415: 'ALL_REPLICAS_LOST',
    701: 'CLUSTER_DOESNT_EXIST',
  },
}
