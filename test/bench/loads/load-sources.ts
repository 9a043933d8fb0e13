import { randomInt } from 'node:crypto'
import { BatchTemplate, loadNode } from './event-bodies.ts'
import type { EventRun } from './event-bodies.ts'
import { requestBytes } from '../harness/lane.ts'
import type { Answer } from '../harness/lane.ts'

/** One request of a load, and what its answer must be. */
export interface LoadRequest {
  readonly bytes: Buffer
  /** The error in the answer; undefined where there is none. */
  fault(answer: Answer): string | undefined
  /** Called when the answer is there: the bytes may be used again. */
  done?(): void
}

/** What a load sends. */
export interface RequestSource {
  next(): LoadRequest
}

/** A source as a job names it. */
export type SourceSpec =
  | ({ readonly kind: 'events' } & EventRun)
  /** GET of a path for a random node, which replaces `{node}`; the answer must contain these words. */
  | { readonly kind: 'get'; readonly path: string; readonly holds: string; readonly nodes: number }
  | { readonly kind: 'reserve'; readonly nodes: number }
  | { readonly kind: 'settings'; readonly nodes: number }

/** Different bodies, so that a batch does not repeat the nodes of the one before. */
const TEMPLATES_PER_LANE = 4

export function openSource(spec: SourceSpec, lanes: number): RequestSource {
  if (spec.kind === 'events') return new EventSource(spec, lanes * TEMPLATES_PER_LANE)
  const make = {
    get: () =>
      requestBytes('GET', spec.kind === 'get' ? spec.path.replace('{node}', anyNode(spec.nodes)) : ''),
    reserve: () =>
      requestBytes(
        'POST',
        '/api/exposure/reservations',
        JSON.stringify({ node_id: anyNode(spec.nodes), usd: '0.01' }),
      ),
    settings: () =>
      requestBytes(
        'PUT',
        `/api/settings/compute?node_id=${anyNode(spec.nodes)}`,
        JSON.stringify({ max_hive_gpu_pct: randomInt(1, 100) }),
      ),
  }[spec.kind]
  return simple(spec.kind === 'reserve' ? 201 : 200, spec.kind === 'get' ? spec.holds : '', make)
}

function anyNode(nodes: number): string {
  return loadNode(randomInt(nodes))
}

/** Requests that are right when they are answered with one status and contain some words. */
function simple(status: number, holds: string, make: () => Buffer): RequestSource {
  const fault = (answer: Answer): string | undefined =>
    answer.status === status && answer.body.includes(holds)
      ? undefined
      : `${answer.status} ${answer.body.toString('utf8', 0, 300)}`
  return { next: () => ({ bytes: make(), fault }) }
}

class EventSource implements RequestSource {
  readonly #free: BatchTemplate[]
  readonly #expected: string
  #batch: number

  constructor(run: EventRun, templates: number) {
    const nowMs = Date.now()
    this.#free = Array.from({ length: templates }, () => new BatchTemplate(run, nowMs))
    this.#batch = run.firstBatch
    this.#expected = JSON.stringify({ accepted: run.eventsPerBatch, rejected: [], rounded: 0 })
  }

  next(): LoadRequest {
    const template = this.#free.shift()
    if (template === undefined) throw new Error('More batches under way than there are bodies.')
    return {
      bytes: template.numbered(this.#batch++, Date.now()),
      fault: ({ status, body }) => {
        const text = body.toString('utf8')
        return status === 202 && text === this.#expected ? undefined : `${status} ${text.slice(0, 300)}`
      },
      done: () => this.#free.push(template),
    }
  }
}
