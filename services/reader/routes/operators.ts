import { SettingsReader } from '../../../pipelines/account/settings-reader.ts'
import { FieldReader } from '../../../pipelines/json/field-reader.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import {
  Claimed,
  JoinBody,
  Joined,
  OperatorBody,
  SettingsQuery,
  Transferred,
} from '../../../schemas/http/settings.ts'
import { sparkNumber } from '../amounts.ts'
import { invalidFields, jsonBody } from './json-body.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { settingsView } from '../present/settings-view.ts'
import { nodeOfWrite, sendCommand, throwFirst } from './write-commands.ts'
import { WRITE_HEADERS, WRITE_PROBLEMS } from './write-schema.ts'

const TAGS = ['settings']

/** POST /api/settings/compute/provider/join, …/claim and …/transfer: how a node gets its account and its operator. */
export function operatorRoutes(app: ReaderApp, parts: RouteParts): void {
  joinRoute(app, parts)
  claimRoute(app, parts)
  transferRoute(app, parts)
}

function joinRoute(app: ReaderApp, parts: RouteParts): void {
  app.post(
    '/api/settings/compute/provider/join',
    {
      config: { scope: 'settings:write', body: JoinBody },
      schema: {
        summary: 'A node joins: it has an account and a cause from then on',
        description:
          "Asking again changes nothing but the fields that are given; a cause that was chosen is kept. The operator_id names the node's operator where it has none. By an admin, or with a credential that names that operator, it confirms it: only then may the node's own credentials read the operator's wallet, which lists the node.",
        tags: TAGS,
        querystring: SettingsQuery,
        headers: WRITE_HEADERS,
        response: {
          200: { description: 'Joined', content: { 'application/json': { schema: Joined } } },
          ...problemResponses(...WRITE_PROBLEMS, 'central_not_metered'),
        },
      },
    },
    async (request, reply) => {
      const body = jsonBody(request)
      const node_id = nodeOfWrite(request, request.query.node_id, body)
      const fields = new FieldReader()
      const operator_id = fields.optionalId(body['operator_id'], '/operator_id')
      throwFirst(fields)
      const reader = new SettingsReader()
      const changes = reader.read(body, 'ignore')
      if (reader.errors.length > 0) throw invalidFields(reader.errors)
      await sendCommand(parts, request, { node_id, kind: 'join', changes, operator_id })
      const { account, rules } = await parts.present.seen(request.caller, node_id)
      return reply.send({
        joined: true as const,
        node_id,
        config: settingsView(account, rules),
        message: `${node_id} takes part; its settings are at /api/settings/compute.`,
      })
    },
  )
}

function claimRoute(app: ReaderApp, parts: RouteParts): void {
  app.post(
    '/api/settings/compute/provider/claim',
    {
      config: { scope: 'admin', body: OperatorBody },
      schema: {
        summary: "Names a node's operator and pays what was written off for want of one",
        description:
          'Of a node that has named this operator itself, in an event, a heartbeat or a join, it confirms the operator.',
        tags: TAGS,
        querystring: SettingsQuery,
        headers: WRITE_HEADERS,
        response: {
          200: { description: 'Claimed', content: { 'application/json': { schema: Claimed } } },
          ...problemResponses(...WRITE_PROBLEMS, 'already_claimed'),
        },
      },
    },
    async (request, reply) => {
      const named = readOperator(request, request.query.node_id)
      const { micro_spark } = await sendCommand(parts, request, { ...named, kind: 'claim' })
      const paid = BigInt(micro_spark)
      return reply.send({ ...named, paid_spark: sparkNumber(paid), paid_micro_spark: paid })
    },
  )
}

function transferRoute(app: ReaderApp, parts: RouteParts): void {
  app.post(
    '/api/settings/compute/provider/transfer',
    {
      config: { scope: 'admin', body: OperatorBody },
      schema: {
        summary: 'Gives a node to another operator from here on',
        description:
          'What is pending was earned under the operator before, who is paid for it at once. The new one is confirmed.',
        tags: TAGS,
        querystring: SettingsQuery,
        headers: WRITE_HEADERS,
        response: {
          200: { description: 'Transferred', content: { 'application/json': { schema: Transferred } } },
          ...problemResponses(...WRITE_PROBLEMS, 'not_claimed', 'too_many_operators'),
        },
      },
    },
    async (request, reply) => {
      const named = readOperator(request, request.query.node_id)
      await sendCommand(parts, request, { ...named, kind: 'transfer' })
      return reply.send(named)
    },
  )
}

function readOperator(
  request: Parameters<typeof nodeOfWrite>[0],
  queried: string | undefined,
): { readonly node_id: string; readonly operator_id: string } {
  const body = jsonBody(request)
  const node_id = nodeOfWrite(request, queried, body)
  const fields = new FieldReader()
  const operator_id = fields.id(body['operator_id'], '/operator_id')
  for (const name of Object.keys(body)) {
    if (name !== 'node_id' && name !== 'operator_id')
      fields.refuse('unknown_field', `/${name}`, 'Is no field of this request.')
  }
  throwFirst(fields)
  return { node_id, operator_id }
}
