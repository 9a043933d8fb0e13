import { AHEAD_MS_MAX, CURRENT_MS_MAX } from '../../../schemas/fleet/bounds.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import type { Columns } from '../pages/layout.ts'
import type { News, Told } from './named.ts'
import { macForm, serialForm } from './normalise.ts'
import { textHash } from './text-hash.ts'

/** A lease ends after so many of the worker's intervals of listening time without a current item of its holder … */
export const LEASE_INTERVALS = 3
/** … and after so long at least. */
export const LEASE_MS_MIN = 2 * MINUTE_MS
/** So many items in a row must tell a new value of one machine … */
export const NEWS_ITEMS_MIN = 5
/** … over so long, before it takes the place of the old one. */
export const NEWS_MS_MIN = 10 * MINUTE_MS

/** What is remembered of a worker between two items. Begins as zeros: no lease, no news. */
export const LEASE_FIELDS = {
  leaseNode: 'u32',
  leaseSerial: 'u32',
  leaseMac: 'u32',
  /** Log time of the holder's last current item, and its observation time. */
  leaseAtMs: 'f64',
  leaseTMs: 'f64',
  news: 'u32',
  newsItems: 'u8',
  /** Observation time of the first item with the news. */
  newsFromMs: 'f64',
} as const
export type LeaseColumns = Columns<typeof LEASE_FIELDS>

/** An item of a machine that a worker is, at its place in the log. */
export interface Claimed {
  readonly index: number
  readonly nodeKey: string
  readonly told: Told
  readonly news: News | null
  /** Observation time. */
  readonly atMs: number
  readonly nowMs: number
  readonly intervalS: number
  /** See `IdentityRule`. */
  readonly heardMs: (sinceMs: number) => number
}

/** What an item is to its worker, and whether what is new of its machine has been told often enough. */
export interface Leased {
  readonly label: 'holder' | 'shadow' | 'conflict'
  readonly isNewsBelieved: boolean
}

/**
 * A worker counts for one machine at one node at a time. The first current item takes the lease, and each current item of
 * the holder renews it. While it lasts, another node that sees the same machine is a shadow, and another machine is a
 * conflict. A late item of another machine or node is a shadow: when it was observed, it may have been the holder.
 */
export function lease(columns: LeaseColumns, claimed: Claimed): Leased {
  const { index, nodeKey, told, atMs, nowMs, intervalS, heardMs } = claimed
  const isCurrent = atMs <= nowMs + AHEAD_MS_MAX && atMs >= nowMs - CURRENT_MS_MAX
  const node = textHash(nodeKey)
  const [serial, mac] = [hashOf(serialForm(told.serial)), hashOf(macForm(told.mac) ?? macForm(told.mac_arp))]
  const lengthMs = Math.max(LEASE_INTERVALS * intervalS * SECOND_MS, LEASE_MS_MIN)
  const leaseAtMs = columns.leaseAtMs[index] ?? 0
  const isLive = leaseAtMs > 0 && heardMs(leaseAtMs) < lengthMs
  const isSameMachine = isSame(columns, index, serial, mac)
  const isHolder = isSameMachine && columns.leaseNode[index] === node
  if (!isCurrent) return { label: isHolder || leaseAtMs === 0 ? 'holder' : 'shadow', isNewsBelieved: false }
  if (isLive && !isSameMachine) return { label: 'conflict', isNewsBelieved: false }
  if (isLive && !isHolder) return { label: 'shadow', isNewsBelieved: false }
  // A copy, or what was seen before the newest: it says that the machine was there, and not that it still is.
  if (isLive && atMs <= (columns.leaseTMs[index] ?? 0)) return { label: 'holder', isNewsBelieved: false }
  if (!isLive || !isSameMachine) {
    columns.leaseSerial[index] = 0
    columns.leaseMac[index] = 0
  }
  columns.leaseNode[index] = node
  if (serial !== 0) columns.leaseSerial[index] = serial
  if (mac !== 0) columns.leaseMac[index] = mac
  columns.leaseAtMs[index] = nowMs
  columns.leaseTMs[index] = atMs
  return { label: 'holder', isNewsBelieved: takeNews(columns, claimed) }
}

/** By the serial number where both tell one, else by the MAC; a machine that tells neither may be any. */
function isSame(columns: LeaseColumns, index: number, serial: number, mac: number): boolean {
  const [heldSerial, heldMac] = [columns.leaseSerial[index] ?? 0, columns.leaseMac[index] ?? 0]
  if (serial !== 0 && heldSerial !== 0) return serial === heldSerial
  return mac === 0 || heldMac === 0 || mac === heldMac
}

/** Counts items that tell the same new value, until they are enough; one with another, or with the old pair, begins anew. */
function takeNews(columns: LeaseColumns, { index, told, news, atMs }: Claimed): boolean {
  const tellsBoth = serialForm(told.serial) !== null && (macForm(told.mac) ?? macForm(told.mac_arp)) !== null
  if (news === null && !tellsBoth) return false
  const hash = news === null ? 0 : textHash(`${news.kind} ${news.form}`)
  if (hash === 0 || hash !== columns.news[index]) {
    columns.news[index] = hash
    columns.newsItems[index] = hash === 0 ? 0 : 1
    columns.newsFromMs[index] = hash === 0 ? 0 : atMs
    return false
  }
  const items = Math.min(NEWS_ITEMS_MIN, (columns.newsItems[index] ?? 0) + 1)
  columns.newsItems[index] = items
  return items >= NEWS_ITEMS_MIN && atMs - (columns.newsFromMs[index] ?? atMs) >= NEWS_MS_MIN
}

/** The worker's news has been taken in: it is none any more. */
export function forgetNews(columns: LeaseColumns, index: number): void {
  columns.news[index] = 0
  columns.newsItems[index] = 0
  columns.newsFromMs[index] = 0
}

function hashOf(form: string | null): number {
  return form === null ? 0 : textHash(form)
}
