import { AccountPage } from '../slots/account-page.ts'
import type { Placement } from '../slots/placement.ts'
import { newPage, PAGE_PARTS } from '../status/memory.ts'
import type { WorkerPage } from '../status/memory.ts'
import { columnsOf } from './layout.ts'
import type { Columns, Fields } from './layout.ts'

/** Of a place: which worker it holds, and how far in its life that is. */
export const PLACE = {
  /** 1 + the offset of the record with which the worker got its place; 0 for a free place. */
  born: 'f64',
  /** Log time of the next step of its life; Infinity where none is set. */
  edgeMs: 'f64',
  /** An index of `PHASES`. */
  phase: 'u8',
} as const satisfies Fields

/** A worker waits to be commissioned, is, and is not any more: then it is there for late data, until its place is freed. */
export const PHASES = { free: 0, waiting: 1, commissioned: 2, retired: 3 } as const

/** All that is kept of a page of workers, in both planes. */
export interface FleetPageState {
  readonly places: Columns<typeof PLACE>
  /** The columns of the rule of identity. */
  readonly lease: Columns<Fields>
  readonly live: WorkerPage
  readonly account: AccountPage
}

/** A page without workers at a log time. */
export function emptyState(nowMs: number, leaseFields: Fields, placement: Placement): FleetPageState {
  const places = columnsOf(PLACE)
  places.edgeMs.fill(Number.POSITIVE_INFINITY)
  return {
    places,
    lease: columnsOf(leaseFields),
    live: newPage(),
    account: AccountPage.empty(nowMs, placement),
  }
}

/** Of the bytes of a page. Another order, kind or number of fields in any of its parts is another format. */
const FORMAT = 1
const COUNT_BYTES = 4
/** Format; bytes of the columns; bytes of the account plane. */
const HEAD_BYTES = 3 * COUNT_BYTES

type AnyColumn = Columns<Fields>[string]

/** Every column but those of the account plane, in the order in which they are written. */
function columnsIn({ places, lease, live }: Omit<FleetPageState, 'account'>): AnyColumn[] {
  const parts = Object.keys(PAGE_PARTS) as (keyof typeof PAGE_PARTS)[]
  return [places, lease, ...parts.map((part) => live[part])].flatMap((columns) =>
    Object.values<AnyColumn>(columns),
  )
}

/**
 * The bytes of a page: a head with the lengths of what follows, by which bytes that are cut off are found; then column
 * after column, little-endian as all machines that Node runs on; then the account plane's own form.
 */
export function bytesOfState(state: FleetPageState): Buffer {
  const columns = columnsIn(state).map(viewOf)
  const account = state.account.encode()
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32LE(FORMAT, 0)
  head.writeUInt32LE(
    columns.reduce((sum, { length }) => sum + length, 0),
    COUNT_BYTES,
  )
  head.writeUInt32LE(account.length, 2 * COUNT_BYTES)
  return Buffer.concat([head, ...columns, account])
}

/** The page of which `bytesOfState` made these bytes; throws where they are none of this format. */
export function stateOfBytes(bytes: Buffer, leaseFields: Fields, placement: Placement): FleetPageState {
  const { accountAt, ...columns } = columnsOfBytes(bytes, leaseFields)
  return { ...columns, account: AccountPage.decode(bytes.subarray(accountAt), placement) }
}

/** The live plane of such a page alone. */
export function liveOfBytes(bytes: Buffer, leaseFields: Fields): WorkerPage {
  return columnsOfBytes(bytes, leaseFields).live
}

/** All columns but those of the account plane, and where these begin. */
function columnsOfBytes(
  bytes: Buffer,
  leaseFields: Fields,
): Omit<FleetPageState, 'account'> & { readonly accountAt: number } {
  const format = bytes.length < HEAD_BYTES ? 'none' : bytes.readUInt32LE(0)
  if (format !== FORMAT) throw new Error(`A page of format ${format}; this build reads format ${FORMAT}.`)
  const accountBytes = bytes.readUInt32LE(2 * COUNT_BYTES)
  const state = { places: columnsOf(PLACE), lease: columnsOf(leaseFields), live: newPage() }
  const columns = columnsIn(state)
  const size = columns.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const isWhole =
    bytes.readUInt32LE(COUNT_BYTES) === size && bytes.length === HEAD_BYTES + size + accountBytes
  if (!isWhole) throw new Error(`A page of ${bytes.length} bytes is not as long as its format says.`)
  let at = HEAD_BYTES
  for (const column of columns) at += bytes.copy(viewOf(column), 0, at, at + column.byteLength)
  return { ...state, accountAt: at }
}

function viewOf(column: AnyColumn): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength)
}
