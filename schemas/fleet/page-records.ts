/** The values of the records of fleet.state that hold what is known of workers, as their Avro schemas document them. */

/** A page of workers, packed. */
export interface FleetPageRecord {
  readonly provider_id: string
  readonly page: number
  /** Records of fleet.inbox below it are applied to the page. */
  readonly through: number
  /** Log time there: what was due until then has been decided. */
  readonly now: number
  /** Bytes of the page before they were packed. */
  readonly size: number
  /** zstd. */
  readonly packed: Buffer
}

/** A worker's status as its page must have it: what was told of it. */
export interface FleetFace {
  readonly worker_id: string
  readonly status: string
  readonly reason: string
  /** Nothing is known of it now. */
  readonly unknown: boolean
  /** Log time, UTC milliseconds. */
  readonly status_since: number
  readonly reason_since: number
  /** Counts its changes from 1. */
  readonly version: number
}

/** A time in which nothing could be heard of a node or of the gateways; `to` is null while it lasts. */
export interface HeardSpan {
  readonly kind: 'deaf' | 'silent'
  readonly from: number
  /** It is known just before the record at this offset of fleet.inbox, and its end with the one at `to_offset`. */
  readonly from_offset: number
  to: number | null
  to_offset: number | null
}

/** A span of time of which a node holds nothing back any more: what is missing there was never heard. */
export interface CompleteMark {
  /** Observation time, half-open. */
  readonly from: number
  readonly to: number
  /** Log time of the record that said it, and its offset in fleet.inbox. */
  readonly at: number
  readonly offset: number
}

/** What was heard of one node, or, with the key of the gateways, of these. */
export interface FleetHearing {
  readonly spans: readonly HeardSpan[]
  /** Of a node: what it said to be complete in the last minutes. */
  readonly complete: readonly CompleteMark[]
  /** Of the gateways: log time of their newest tick; null before the first. */
  readonly heard_at: number | null
  /** Of the gateways: records that were set aside since they cannot be decided: no page takes them. */
  readonly set_aside: readonly number[]
}
