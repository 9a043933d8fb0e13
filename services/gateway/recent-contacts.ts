import type { InboxHeartbeat } from '../../schemas/records.ts'
import { MINUTE_MS } from '../../schemas/units.ts'

/** A heartbeat without news is written at most this often for a node. */
export const CONTACT_INTERVAL_MS = MINUTE_MS

/**
 * Nodes that are remembered. Beyond that the node whose heartbeat was written longest ago is forgotten, so its next one
 * is written.
 */
export const CONTACTS_MAX = 200_000

interface Contact {
  readonly content: string
  readonly atMs: number
}

/** The last heartbeat of each node: one that changes nothing but the last contact is written once a minute. */
export class RecentContacts {
  readonly #contacts = new Map<string, Contact>()

  /** True where the heartbeat must be written. */
  isNews(heartbeat: InboxHeartbeat, nowMs: number): boolean {
    const known = this.#contacts.get(heartbeat.node_id)
    if (known === undefined || heartbeat.ad_impressions > 0) return true
    return known.content !== contentOf(heartbeat) || nowMs - known.atMs >= CONTACT_INTERVAL_MS
  }

  /** The log has the heartbeat. */
  wrote(heartbeat: InboxHeartbeat, nowMs: number): void {
    const { node_id } = heartbeat
    this.#contacts.delete(node_id)
    if (this.#contacts.size >= CONTACTS_MAX) {
      const [oldest] = this.#contacts.keys()
      if (oldest !== undefined) this.#contacts.delete(oldest)
    }
    this.#contacts.set(node_id, { content: contentOf(heartbeat), atMs: nowMs })
  }
}

function contentOf(heartbeat: InboxHeartbeat): string {
  const { tier, profile, operator_id, software_version, agent_count, post_count, by_admin } = heartbeat
  return JSON.stringify([tier, profile, operator_id, software_version, agent_count, post_count, by_admin])
}
