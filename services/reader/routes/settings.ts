import type { FastifyRequest } from 'fastify'
import { TAG_SEPARATOR, settingsTag } from '../../../pipelines/account/commands.ts'
import { SettingsReader } from '../../../pipelines/account/settings-reader.ts'
import { settingsChanges } from '../../../pipelines/clickhouse/queries/audit.ts'
import type { AuditRow } from '../../../pipelines/clickhouse/queries/audit.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import {
  HistoryQuery,
  SettingsBody,
  SettingsHistoryPage,
  SettingsQuery,
  SettingsUpdated,
  SettingsView,
} from '../../../schemas/http/settings.ts'
import type { SettingsChange } from '../../../schemas/http/settings.ts'
import type { SettingName, SettingValue } from '../../../schemas/settings.ts'
import { holderOf, maySee, requestedNode } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import { tagsOf } from '../../http/tags.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import { invalidFields, jsonBody } from './json-body.ts'
import { isFirst, pageOf } from './pages.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import type { NodeState } from '../present/present.ts'
import { settingsView, shownValue } from '../present/settings-view.ts'
import { nodeOfWrite, sendCommand } from './write-commands.ts'
import { WRITE_HEADERS, WRITE_PROBLEMS } from './write-schema.ts'

const TAGS = ['settings']

/** GET, PUT /api/settings/compute and its history. */
export function settingsRoutes(app: ReaderApp, parts: RouteParts): void {
  readRoute(app, parts)
  writeRoute(app, parts)
  historyRoute(app, parts)
}

function readRoute(app: ReaderApp, parts: RouteParts): void {
  app.get(
    '/api/settings/compute',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'The settings of a node: what holds, and what it has stored',
        tags: TAGS,
        querystring: SettingsQuery,
        response: {
          200: { description: 'The settings', content: { 'application/json': { schema: SettingsView } } },
          ...problemResponses('node_not_registered', 'invalid_request', 'state_loading'),
        },
      },
    },
    async (request, reply) => {
      const state = await parts.present.seen(request.caller, requestedNode(request, request.query.node_id))
      return reply
        .header('etag', shownTag(settingsTag(state.account, state.rules), state))
        .send(settingsView(state.account, state.rules))
    },
  )
}

function writeRoute(app: ReaderApp, parts: RouteParts): void {
  app.put(
    '/api/settings/compute',
    {
      config: { scope: 'settings:write', body: SettingsBody },
      schema: {
        summary: 'Changes some of the settings of a node',
        description:
          'Answered when the settler has applied it: every reader shows it from then on. If-Match with the ETag of what was read, or a list of them, refuses to overwrite what somebody else has changed meanwhile; * asks that the node is there.',
        tags: TAGS,
        querystring: SettingsQuery,
        headers: WRITE_HEADERS,
        response: {
          200: {
            description: 'Applied',
            headers: { etag: { type: 'string', description: 'Of the settings from then on.' } },
            content: { 'application/json': { schema: SettingsUpdated } },
          },
          ...problemResponses(...WRITE_PROBLEMS, 'central_not_metered', 'stale_settings'),
        },
      },
    },
    async (request, reply) => {
      const body = jsonBody(request)
      const node_id = nodeOfWrite(request, request.query.node_id, body)
      const reader = new SettingsReader()
      const changes = reader.read(body, 'ignore')
      if (reader.errors.length > 0) throw invalidFields(reader.errors)
      const expected = await expectedTags(parts, request, node_id)
      const command = { node_id, kind: 'settings', changes, expected } as const
      const { policy_fields, peer_fields, tag } = await sendCommand(parts, request, command)
      const etag = shownTag(tag, await parts.present.seen(request.caller, node_id))
      return reply.header('etag', etag).send({ updated: true as const, node_id, policy_fields, peer_fields })
    },
  )
}

function historyRoute(app: ReaderApp, parts: RouteParts): void {
  app.get(
    '/api/settings/compute/history',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Who changed which setting of a node, and when; the newest first',
        tags: TAGS,
        querystring: HistoryQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: SettingsHistoryPage } } },
          ...problemResponses(
            'node_not_registered',
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
      const { cursor, limit } = request.query
      const nodeId = requestedNode(request, request.query.node_id)
      const scope = `settings\n${nodeId}`
      const before = isFirst(cursor) ? null : parts.cursors.open(scope, cursor, 1)[0]
      const { partition } = await parts.present.seen(request.caller, nodeId)
      return await parts.history.ask(holderOf(request), async (client) => {
        const source = parts.history.source('auditLog', partition)
        const loaded = await parts.history.loaded(source, client)
        if (loaded === null) return reply.send({ items: [], next_cursor: null, as_of: null })
        const rows = await settingsChanges(client, {
          nodeId,
          source,
          loaded,
          beforeVersion: before ?? null,
          limit: limit + 1,
        })
        const { shown, last } = pageOf(rows, limit)
        const next_cursor = last === null ? null : parts.cursors.seal(scope, [last.account_version])
        return reply.send({
          items: shown.map(changeItem),
          next_cursor,
          as_of: formatTimeOrNull(loaded.watermarkMs),
        })
      })
    },
  )
}

const CENTRAL = /-central"$/

/** The tag of what is shown: a central node shows one setting otherwise than it is stored. */
function shownTag(tag: string, { account }: Pick<NodeState, 'account'>): string {
  return account.tier === 'central' ? tag.replace(/"$/, '-central"') : tag
}

/**
 * The tags that the client expects to be the present ones, as the settler compares them: one, or several on separate
 * lines, which no header contains. `*` requires that the node exists, which stays true once it does.
 */
async function expectedTags(
  parts: RouteParts,
  { headers, caller }: FastifyRequest,
  nodeId: string,
): Promise<string | null> {
  const given = headers['if-match']
  if (given === undefined) return null
  const tags = tagsOf(given)
  if (tags !== '*') return tags.map((tag) => tag.replace(CENTRAL, '"')).join(TAG_SEPARATOR)
  if (maySee(caller, nodeId) && !(await parts.present.has(nodeId)))
    throw new Problem(
      'stale_settings',
      'Nobody has named this node yet: it has no settings that could match.',
    )
  return null
}

function changeItem(row: AuditRow): SettingsChange {
  const changes = JSON.parse(row.changes) as {
    name: SettingName
    before: SettingValue
    after: SettingValue
  }[]
  return {
    changed_at: formatTime(Number(row.decided_ms)),
    caller: row.caller,
    command_id: row.command_id,
    changes: changes.map(({ name, before, after }) => ({
      name,
      before: shownValue(name, before),
      after: shownValue(name, after),
    })),
  }
}
