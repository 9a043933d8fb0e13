import type { WholeDocument } from './openapi.ts'

/** A server whose routes are shown on the same pages. */
export interface OtherServer {
  /** Where it listens unless its settings say otherwise. */
  readonly address: string
  readonly document: WholeDocument
}

/**
 * One document for several servers: a path of another server names that server, and a path that all servers have belongs
 * to this one. Throws where one name is used for two schemas.
 */
export function joinedDocument(own: WholeDocument, others: readonly OtherServer[]): WholeDocument {
  const paths: Record<string, WholeDocument['paths'][string]> = { ...own.paths }
  const schemas: Record<string, object> = { ...own.components.schemas }
  const tags = new Map(own.tags.map((tag) => [tag.name, tag]))
  for (const { address, document } of others) {
    const servers = [{ url: address, description: document.info.title }]
    for (const [path, operations] of Object.entries(document.paths))
      paths[path] ??= { servers, ...operations }
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      if (JSON.stringify(schemas[name] ?? schema) !== JSON.stringify(schema))
        throw new Error(`${document.info.title} and ${own.info.title} have two schemas of the name ${name}.`)
      schemas[name] = schema
    }
    for (const tag of document.tags) if (!tags.has(tag.name)) tags.set(tag.name, tag)
  }
  return { ...own, paths, tags: [...tags.values()], components: { ...own.components, schemas } }
}
