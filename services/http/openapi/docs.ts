import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { joinedDocument } from './joined-document.ts'
import type { OtherServer } from './joined-document.ts'
import type { WholeDocument } from './openapi.ts'
import { writtenOnce } from '../written/written-once.ts'
import { PROBLEMS } from '../../../schemas/http/problem.ts'

const PREFIX = '/docs'

/**
 * Makes the routes of the pages public, under the policy of the pages themselves. They also show the routes of other
 * servers. Call it before access and headers.
 */
export function allowDocs(app: FastifyInstance, others: () => Promise<readonly OtherServer[]>): void {
  const write = async () => JSON.stringify(joinedDocument(app.swagger() as WholeDocument, await others()))
  // The routes of the pages would write the document anew for each request. JSON is YAML too.
  const documents = new Map([
    [`${PREFIX}/json`, writtenOnce('application/json; charset=utf-8', write)],
    [`${PREFIX}/yaml`, writtenOnce('application/x-yaml', write)],
  ])
  app.addHook('onRoute', (route) => {
    if (!route.url.startsWith(PREFIX)) return
    route.config = { ...route.config, scope: 'public' }
    Object.assign(route, { helmet: false })
    const document = documents.get(route.url)
    if (document !== undefined) route.handler = document
  })
}

/** Browsable documents under /docs, served from this process alone: no page requests anything from another host. */
export async function publishDocs(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: PREFIX,
    // Its badge would send the document to a server on the Internet to validate it.
    uiConfig: { validatorUrl: null, docExpansion: 'list', persistAuthorization: true },
    theme: { title: 'Hivemeter' },
    staticCSP: true,
  })
}

/** Every problem's code with its status and title, for the document. */
export function problemTable(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`,
  )
  return ['| code | status | title |', '| --- | --- | --- |', ...rows].join('\n')
}
