import { AUDIT_TEXT_CHARACTERS_MAX, shownText } from '../../schemas/audit.ts'
import { fleetNodeKey } from '../../schemas/fleet/codecs.ts'
import { hashToUuid } from '../../schemas/ids.ts'
import type { AccessKey, InboxAudit } from '../../schemas/records.ts'

/**
 * The entry of the audit for a key that was made or revoked: whose it is, for what and until when. It holds nothing of
 * the secret.
 */
export function keyEntry(kind: 'key_made' | 'key_revoked', key: AccessKey): InboxAudit {
  const words = shownText(describe(key), AUDIT_TEXT_CHARACTERS_MAX)
  return {
    // A key is made once and revoked once: a second entry for the same act says the same.
    entry_id: hashToUuid(`audit/${kind}/${key.key_id}`),
    kind,
    subject: `key:${key.key_id}`,
    node_id: '',
    address: '',
    before: kind === 'key_made' ? '' : words,
    after: kind === 'key_made' ? words : '',
    count: 1,
    reason: 'keys command',
  }
}

function describe({ client, scopes, nodes, expires_at, fleet_node }: AccessKey): string {
  const until = expires_at === null ? 'for good' : `until ${new Date(expires_at).toISOString()}`
  const named =
    fleet_node === null ? `nodes ${nodes.join(',') || 'all'}` : `fleet node ${fleetNodeKey(fleet_node)}`
  return `${client}; ${scopes.join(',')}; ${named}; ${until}`
}
