import { HOUR_MS, KIB, MIB, SECOND_MS } from '../units.ts'

/** The bounds of what a node of a hosting fleet reports, as gateway, task and documents share them. Both ends are allowed. */

/** Items of one batch: samples, poll results and device reports together. */
export const BATCH_ITEMS_MAX = 1_000
/** Bytes of a batch as JSON, as received and again when unpacked. */
export const BATCH_BYTES_MAX = 8 * MIB
/** Bytes of one item as JSON. */
export const ITEM_BYTES_MAX = 16 * KIB

/** Largest epoch and sequence number: what Avro's decoder reads back exactly. */
export const SEQ_MAX = 2 ** 52 - 1

/** How often a node polls each of its machines. */
export const INTERVAL_S_MIN = 10
export const INTERVAL_S_MAX = 300

/** Spans of time that a batch may say to be complete. */
export const COMPLETE_SPANS_MAX = 64

/** How far an item may be ahead of the log's time. */
export const AHEAD_MS_MAX = 60 * SECOND_MS
/** An item that is older than this when the log takes it is late: it says nothing about the present. */
export const CURRENT_MS_MAX = 120 * SECOND_MS
/** Older items are counted and not kept: the node's spool holds 72 hours. */
export const AGE_MS_MAX = 80 * HOUR_MS

/** Parts of one machine. */
export const BOARDS_MAX = 16
export const GPUS_MAX = 32
export const FANS_MAX = 16
export const POOLS_MAX = 8
export const PSUS_MAX = 4
export const SECONDARY_MAX = 4
export const ERRORS_MAX = 16

/** Warnings of one sample; what the gateway has to add beyond them is left out. */
export const WARNINGS_MAX = 16

/** The largest rate: a whole number of hashes that a double holds exactly. */
export const RATE_HS_MAX = 2 ** 53 - 1
/** The largest number of anything that is counted. */
export const COUNT_MAX = 2 ** 52 - 1
