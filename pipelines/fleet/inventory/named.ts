import type { Body } from '../../../schemas/fleet/inventory/fields.ts'
import { textIn } from './body.ts'
import type { Book } from './book.ts'
import { ofIdentity, ofPin } from './index-keys.ts'
import { addressForm, identityForm, macForm, serialForm } from './normalise.ts'
import { versionAt } from './versions.ts'

/** What an item says of its machine, as sent; null where it does not. */
export interface Told {
  readonly serial: string | null
  readonly mac: string | null
  readonly mac_arp: string | null
  readonly address: string | null
}

/** Whose machine an item is about. */
export type NamedWorker =
  /** `news`: a value that no worker has, beside one that this worker has: its number may have changed. */
  | { readonly by: 'one'; readonly worker: string; readonly news: News | null }
  /** Its serial number and its MAC are those of different workers. */
  | { readonly by: 'several'; readonly workers: readonly string[] }
  | { readonly by: 'none' }

/** A value of an item, in the form in which values are compared. */
export interface News {
  readonly kind: 'serial' | 'mac'
  readonly form: string
}

/**
 * The rule of identity, by the versions valid at `atMs` of those known at `knownTo`:
 *
 *   (a) serial number and MAC of one worker: it, also where the item tells only one of them
 *   (b) one of them matches and no worker has the other: that worker, with news
 *   (c) they are those of two workers: both
 *   (d) no worker has either: none
 *   (e) the machine tells neither: the worker that an operator has pinned to this node and address
 *
 * Addresses and host names never match by themselves: DHCP gives them to another machine the next day.
 */
export function namedBy(
  book: Book,
  told: Told,
  nodeId: string,
  { atMs, knownTo }: { readonly atMs: number; readonly knownTo: number },
): NamedWorker {
  const serial = serialForm(told.serial)
  const mac = macForm(told.mac) ?? macForm(told.mac_arp)
  const find = (key: string, isIt: (body: Body) => boolean): string | null =>
    workerWith(book, key, isIt, atMs, knownTo)
  if (serial === null && mac === null) {
    const address = addressForm(told.address)
    const pinned = address === null ? null : find(ofPin(nodeId, address), isPin(nodeId, address))
    return pinned === null ? NONE : { by: 'one', worker: pinned, news: null }
  }
  const bySerial = serial === null ? null : find(ofIdentity('serial', serial), isOf('serial', serial))
  const byMac = mac === null ? null : find(ofIdentity('mac', mac), isOf('mac', mac))
  if (bySerial !== null && byMac !== null && bySerial !== byMac)
    return { by: 'several', workers: [bySerial, byMac].toSorted() }
  const worker = bySerial ?? byMac
  if (worker === null) return NONE
  if (bySerial === null && serial !== null)
    return { by: 'one', worker, news: { kind: 'serial', form: serial } }
  return { by: 'one', worker, news: byMac === null && mac !== null ? { kind: 'mac', form: mac } : null }
}

const NONE: NamedWorker = { by: 'none' }

function isOf(kind: 'serial' | 'mac', form: string): (body: Body) => boolean {
  return (body) => textIn(body, 'kind') === kind && identityForm(kind, textIn(body, 'value') ?? '') === form
}

function isPin(nodeId: string, form: string): (body: Body) => boolean {
  return (body) =>
    textIn(body, 'kind') === 'pin' &&
    textIn(body, 'node') === nodeId &&
    addressForm(textIn(body, 'value')) === form
}

/** The worker that is there and has an identity under this key then. */
function workerWith(
  book: Book,
  key: string,
  isIt: (body: Body) => boolean,
  atMs: number,
  knownTo: number,
): string | null {
  for (const { kind, versions } of book.keyed(key)) {
    const body = kind === 'identity' ? versionAt(versions, atMs, knownTo)?.body : null
    if (body == null || !isIt(body)) continue
    const worker = textIn(body, 'worker')
    if (worker !== null && book.at('worker', worker, atMs, knownTo) !== null) return worker
  }
  return null
}
