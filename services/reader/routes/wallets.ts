import { walletEntries } from '../../../pipelines/clickhouse/queries/wallet-entries.ts'
import type { WalletEntryRow } from '../../../pipelines/clickhouse/queries/wallet-entries.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import {
  WalletEntriesQuery,
  WalletEntryItem,
  WalletEntryPage,
  WalletParams,
  WalletView,
} from '../../../schemas/http/wallets.ts'
import { PAGE_HEADERS, parameters } from '../../../schemas/http/fields.ts'
import { WATERMARK_DELAY_MS } from '../../../schemas/usage.ts'
import { holderOf } from '../../http/caller.ts'
import { negotiate } from '../../http/negotiate.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import { sparkNumber } from '../amounts.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { varyBy } from '../../http/codings.ts'
import { FORMATS, sendTable } from '../history/formats.ts'
import { isFirst, nextAddress, pageOf } from './pages.ts'
import { walletView } from '../present/wallet-view.ts'

const TAGS = ['wallets']
const WHOSE =
  "It is the caller's where the credential names the operator, or one of its nodes has the operator, confirmed by an admin or by a credential that names it; what a node says of itself in events and heartbeats gives no right to it."
const NoQuery = parameters({})

/** GET /api/wallets/{operator_id} and …/entries. */
export function walletRoutes(app: ReaderApp, parts: RouteParts & { readonly partitions: number }): void {
  balanceRoute(app, parts)
  entriesRoute(app, parts)
}

function balanceRoute(app: ReaderApp, parts: RouteParts & { readonly partitions: number }): void {
  app.get(
    '/api/wallets/:operator_id',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'The balance of a wallet, and the nodes that earned it',
        description: `Answers while the history is away. ${WHOSE}`,
        tags: TAGS,
        params: WalletParams,
        querystring: NoQuery,
        response: {
          200: { description: 'The wallet', content: { 'application/json': { schema: WalletView } } },
          ...problemResponses('invalid_url', 'wallet_not_found', 'invalid_request', 'state_loading'),
        },
      },
    },
    async (request, reply) => {
      const { operator_id } = request.params
      const { nodes, asOfMs } = await parts.present.wallet(request.caller, operator_id)
      return reply.send(walletView(operator_id, nodes, asOfMs))
    },
  )
}

function entriesRoute(app: ReaderApp, parts: RouteParts & { readonly partitions: number }): void {
  app.get(
    '/api/wallets/:operator_id/entries',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'The entries of a wallet, oldest first, with the balance after each',
        description:
          'Shown up to where every partition is loaded, so that nothing appears in between later. Entries of nodes that nobody has confirmed are among them: they are part of the balance. CSV: the next page is in the Link header. ' +
          WHOSE,
        tags: TAGS,
        params: WalletParams,
        querystring: WalletEntriesQuery,
        response: {
          200: {
            description: 'A page',
            headers: PAGE_HEADERS,
            content: {
              'application/json': { schema: WalletEntryPage },
              'text/csv': { schema: { type: 'string' } },
            },
          },
          ...problemResponses(
            'invalid_url',
            'wallet_not_found',
            'not_acceptable',
            'invalid_request',
            'invalid_cursor',
            'state_loading',
            'history_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      varyBy(reply, 'Accept')
      const format = negotiate(request.headers.accept, FORMATS)
      const { operator_id } = request.params
      const { limit, cursor } = request.query
      const scope = `entries\n${operator_id}`
      const place = isFirst(cursor) ? FIRST_PAGE : placeOf(parts.cursors.open(scope, cursor, 5))
      await parts.present.wallet(request.caller, operator_id)
      const { rows, asOfMs } = await parts.history.ask(holderOf(request), async (client) => {
        const watermarkMs = await parts.history.smallestWatermark(client, 'walletLedger', parts.partitions)
        if (watermarkMs === null) return { rows: [], asOfMs: null }
        // Entries that a partition books later have a log time after the newest receipt, which is its watermark plus the
        // delay.
        const beforeMs = watermarkMs + WATERMARK_DELAY_MS
        const query = { walletId: operator_id, beforeMs, after: place.after, limit: limit + 1 }
        return { rows: await walletEntries(client, query), asOfMs: watermarkMs }
      })
      const { shown, last } = pageOf(rows, limit)
      const items = entryItems(shown, place.balanceMicroSpark)
      const balance = items.at(-1)?.balance_micro_spark ?? place.balanceMicroSpark
      const next_cursor =
        last === null ? null : parts.cursors.seal(scope, [...positionOf(last), String(balance)])
      const as_of = formatTimeOrNull(asOfMs)
      if (format === 'application/json') return reply.send({ items, next_cursor, as_of })
      const name = { parts: ['wallet', operator_id], asOf: as_of }
      const next = nextAddress(request, next_cursor)
      const table = { item: WalletEntryItem, rows: items, integers: 'sum', name, next } as const
      return await sendTable(reply, format, table, () => parts.turns.pause(holderOf(request)))
    },
  )
}

interface Place {
  readonly after: Parameters<typeof walletEntries>[1]['after']
  readonly balanceMicroSpark: bigint
}

const FIRST_PAGE: Place = { after: null, balanceMicroSpark: 0n }

/** The balance is carried in the signed cursor: a page adds up its own entries only. */
function placeOf(position: readonly string[]): Place {
  const [bookedMs = '', partition = '', seq = '', entryId = '', balance = ''] = position
  return { after: { bookedMs, partition, seq, entryId }, balanceMicroSpark: BigInt(balance) }
}

function positionOf(row: WalletEntryRow): string[] {
  return [row.booked_ms, String(row.src_partition), row.src_seq, row.entry_id]
}

function entryItems(rows: readonly WalletEntryRow[], openingMicroSpark: bigint): WalletEntryItem[] {
  let balance = openingMicroSpark
  return rows.map((row) => {
    const microSpark = BigInt(row.micro_spark)
    balance += microSpark
    return {
      entry_id: row.entry_id,
      booked_at: formatTime(Number(row.booked_ms)),
      kind: row.kind,
      node_id: row.node_id,
      reference_id: row.reference_id,
      spark: sparkNumber(microSpark),
      micro_spark: microSpark,
      balance_spark: sparkNumber(balance),
      balance_micro_spark: balance,
    }
  })
}
