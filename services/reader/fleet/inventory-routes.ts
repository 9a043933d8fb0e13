import type { FastifyRequest } from 'fastify'
import { ENTITIES } from '../../../schemas/fleet/inventory/entities.ts'
import type { EntityKind } from '../../../schemas/fleet/inventory/fields.ts'
import { INVENTORY_CODES } from '../../../schemas/fleet/inventory/records.ts'
import type { InventoryResult } from '../../../schemas/fleet/inventory/records.ts'
import {
  EndQuery,
  ENTITY_SCHEMAS,
  EntityChange,
  EntityParams,
  EntityQuery,
  ProviderQuery,
} from '../../../schemas/http/fleet-inventory.ts'
import type { EntitySchemas, RoutedKind } from '../../../schemas/http/fleet-inventory.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { holderOf } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import { tagsOf } from '../../http/tags.ts'
import { formatTime } from '../../http/times.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { invalidFields, jsonBody } from '../routes/json-body.ts'
import { isFirst, pageOf } from '../routes/pages.ts'
import { idempotencyKeyOf } from '../routes/write-commands.ts'
import { WRITE_HEADERS, WRITE_PROBLEMS } from '../routes/write-schema.ts'
import { readChange, timeOf, viewOf } from './entity-bodies.ts'
import type { InventoryCommands, InventoryRequest } from './inventory-commands.ts'
import type { InventoryPresent } from './inventory-present.ts'

const TAGS = ['inventory']

/** What the routes of the inventory are made of. */
export interface InventoryRouteParts extends Pick<RouteParts, 'cursors'> {
  readonly inventory: InventoryPresent
  readonly inventoryCommands: InventoryCommands
}

/** GET, POST, PATCH and DELETE under /api/fleet for each kind of entity, all made from the table of entities. */
export function inventoryRoutes(app: ReaderApp, parts: InventoryRouteParts): void {
  for (const [kind, schemas] of ENTITY_SCHEMAS) {
    const described = { kind, path: ENTITIES[kind].path, schemas }
    // These lists say more than what the inventory has: view-routes.ts and node-list-route.ts.
    if (kind !== 'worker' && kind !== 'node') listRoute(app, parts, described)
    readRoute(app, parts, described)
    changeRoute(app, parts, described)
    if (kind === 'provider') continue
    createRoute(app, parts, described)
    endRoute(app, parts, described)
  }
}

interface Described {
  readonly kind: RoutedKind
  readonly path: string
  readonly schemas: EntitySchemas
}

const CHANGE_PROBLEMS = problemResponses(
  ...new Set([
    ...WRITE_PROBLEMS.filter((code) => code !== 'node_not_registered'),
    'insufficient_role' as const,
    ...INVENTORY_CODES,
  ]),
)

const CHANGED = {
  description: 'Done: every reader shows it from then on',
  headers: { etag: { type: 'string', description: 'Of the newest version.' } },
  content: { 'application/json': { schema: EntityChange } },
}

function listRoute(app: ReaderApp, parts: InventoryRouteParts, { kind, path, schemas }: Described): void {
  app.get(
    `/api/fleet/${path}`,
    {
      config: { scope: 'fleet:read' },
      schema: {
        summary: `The ${path} of a provider, by id`,
        description:
          'The newest version of each, which may be one that is planned. Those that were ended are left out; one whose `valid_to` has passed is shown for about 80 hours more.',
        tags: TAGS,
        querystring: EntityQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: schemas.page } } },
          ...problemResponses('invalid_request', 'invalid_cursor', 'unknown_provider', 'state_loading'),
        },
      },
    },
    async (request, reply) => {
      const { provider, cursor, limit } = request.query
      const scope = `fleet\n${kind}\n${provider}`
      const after = isFirst(cursor) ? '' : (parts.cursors.open(scope, cursor, 1)[0] ?? '')
      const found = await parts.inventory.after(request.caller, provider, kind, after, limit + 1)
      const { shown, last } = pageOf(found, limit)
      return reply.send({
        items: shown.map(({ id, version }) => viewOf(kind, id, version)),
        next_cursor: last === null ? null : parts.cursors.seal(scope, [last.id]),
      })
    },
  )
}

function readRoute(app: ReaderApp, parts: InventoryRouteParts, { kind, path, schemas }: Described): void {
  app.get(
    `/api/fleet/${path}/:id`,
    {
      config: { scope: 'fleet:read' },
      schema: {
        summary: `One ${kind}: its newest version`,
        tags: TAGS,
        querystring: ProviderQuery,
        params: EntityParams,
        response: {
          200: {
            description: 'The newest version',
            content: { 'application/json': { schema: schemas.view } },
          },
          ...problemResponses('invalid_request', `unknown_${kind}`, 'state_loading'),
        },
      },
    },
    async (request, reply) => {
      const { id, version } = await parts.inventory.entity(
        request.caller,
        request.query.provider,
        kind,
        request.params.id,
      )
      return reply.header('etag', tagOf(version.version)).send(viewOf(kind, id, version))
    },
  )
}

function createRoute(app: ReaderApp, parts: InventoryRouteParts, { kind, path, schemas }: Described): void {
  app.post(
    `/api/fleet/${path}`,
    {
      config: { scope: 'fleet:write', body: schemas.create },
      schema: {
        summary: `Makes a ${kind}`,
        tags: TAGS,
        querystring: ProviderQuery,
        headers: WRITE_HEADERS,
        response: { 201: CHANGED, ...CHANGE_PROBLEMS },
      },
    },
    async (request, reply) => {
      const { given, ...times } = readChange(kind, jsonBody(request))
      const { provider } = request.query
      const change = { provider_id: provider, action: 'create', entity: kind, entity_id: null } as const
      const made = await send(parts, request, { ...change, ...sentTimes(times), body: given })
      return reply.code(201).header('etag', tagOf(made.version)).send(shown(made))
    },
  )
}

function changeRoute(app: ReaderApp, parts: InventoryRouteParts, { kind, path, schemas }: Described): void {
  app.patch(
    `/api/fleet/${path}/:id`,
    {
      config: { scope: 'fleet:write', body: schemas.change },
      schema: {
        summary: `Changes a ${kind} from a time on`,
        description: 'It takes the place of whatever was planned for its time.',
        tags: TAGS,
        querystring: ProviderQuery,
        params: EntityParams,
        headers: WRITE_HEADERS,
        response: { 200: CHANGED, ...CHANGE_PROBLEMS },
      },
    },
    async (request, reply) => {
      const { given, ...times } = readChange(kind, jsonBody(request))
      const entity = { provider_id: request.query.provider, entity: kind, entity_id: request.params.id }
      const change = { ...entity, action: 'change', ...sentTimes(times), body: given }
      const made = await send(parts, request, change)
      return reply.header('etag', tagOf(made.version)).send(shown(made))
    },
  )
}

function endRoute(app: ReaderApp, parts: InventoryRouteParts, { kind, path }: Described): void {
  app.delete(
    `/api/fleet/${path}/:id`,
    {
      config: { scope: 'fleet:write' },
      schema: {
        summary: `Ends a ${kind}`,
        tags: TAGS,
        querystring: EndQuery,
        params: EntityParams,
        headers: WRITE_HEADERS,
        response: { 200: CHANGED, ...CHANGE_PROBLEMS },
      },
    },
    async (request, reply) => {
      const { provider, valid_from } = request.query
      const entity = { provider_id: provider, entity: kind, entity_id: request.params.id }
      const times = sentTimes({ validFrom: timeOf(valid_from, '/valid_from'), validTo: null })
      const made = await send(parts, request, { ...entity, action: 'end', ...times, body: {} })
      return reply.header('etag', tagOf(made.version)).send(shown(made))
    },
  )
}

/** Sends a change that the caller may make; throws a Problem where it may not, before anything is sent. */
async function send(
  { inventory, inventoryCommands }: InventoryRouteParts,
  request: FastifyRequest,
  change: Omit<InventoryRequest, 'expected' | 'restate' | 'entity'> & { readonly entity: EntityKind },
): Promise<InventoryResult> {
  const { mayWrite } = await inventory.access(request.caller, change.provider_id)
  if (!mayWrite(change.entity))
    throw new Problem('insufficient_role', `This credential's role may not change a ${change.entity}.`)
  if (change.entity === 'provider' && change.entity_id !== change.provider_id)
    throw new Problem('unknown_provider', 'The id of a provider is its name.')
  if (change.action === 'change' && isNothing(change))
    throw invalidFields([{ path: '/', code: 'missing', message: 'Nothing is to change: name a field.' }])
  const expected = expectedVersions(request.headers['if-match'])
  return await inventoryCommands.ask(
    { ...change, expected, restate: false },
    { caller: request.caller.id, holder: holderOf(request), idempotencyKey: idempotencyKeyOf(request) },
  )
}

function isNothing({ body, valid_from, valid_to }: Omit<InventoryRequest, 'expected' | 'restate'>): boolean {
  return Object.keys(body).length === 0 && valid_from === null && valid_to === null
}

function sentTimes(times: { readonly validFrom: number | null; readonly validTo: number | null }) {
  return { valid_from: times.validFrom, valid_to: times.validTo }
}

/** The versions of an If-Match; a text that is none of our tags matches none. */
function expectedVersions(header: string | undefined): readonly number[] | null {
  const tags = header === undefined ? '*' : tagsOf(header)
  return tags === '*' ? null : tags.map((tag) => Number(/^"(\d{1,10})"$/.exec(tag)?.[1] ?? 0))
}

const tagOf = (version: number): string => `"${version}"`

function shown({ id, version, valid_from }: InventoryResult) {
  return { id, version, valid_from: formatTime(valid_from) }
}
