import { INTERVAL_S_MAX } from '../../schemas/fleet/bounds.ts'
import type { FleetNode } from '../../schemas/fleet/records.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** An epoch is live for this long after its last contact: a node that polls as seldom as it may is heard of by then. */
export const EPOCH_LIVE_MS = INTERVAL_S_MAX * SECOND_MS

/** Epochs of a node whose contacts are kept; beyond them the lowest one is forgotten. */
export const LIVE_EPOCHS_MAX = 4

type Contacted = Pick<FleetNode, 'epoch' | 'contacts' | 'clone_contacts'>

/** An epoch was named. One that is later than all before begins: what others said until then was no contact beside it. */
export function named(node: Contacted, epoch: number): void {
  if (epoch <= node.epoch) return
  node.epoch = epoch
  node.contacts = []
}

/**
 * An epoch said something of this moment, at log time `nowMs`. Each start of a node's program is a later epoch than all
 * before, so an earlier one that goes on speaking is another program with the same key: a clone. Returns whether it is.
 */
export function spoke(node: Contacted, epoch: number, nowMs: number): boolean {
  named(node, epoch)
  const others = liveContacts(node, nowMs).filter((contact) => contact.epoch !== epoch)
  const isClone = others.some((other) => other.epoch > epoch)
  if (isClone) node.clone_contacts += 1
  node.contacts = [...others, { epoch, at: nowMs }]
    .toSorted((left, right) => left.epoch - right.epoch)
    .slice(-LIVE_EPOCHS_MAX)
  return isClone
}

/** The contacts of the epochs that are live at log time `nowMs`: more than one where the node has a clone. */
export function liveContacts(
  { contacts }: Pick<FleetNode, 'contacts'>,
  nowMs: number,
): FleetNode['contacts'] {
  return contacts.filter(({ at }) => nowMs - at < EPOCH_LIVE_MS)
}
