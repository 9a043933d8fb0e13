import type { Answer, Counters } from './answers.ts'
import type { Problems } from '../problems.ts'

/**
 * Answers never go back. Two orders are promised:
 *
 * - A node's lifetime counters over all readers, by as_of: the task record that ends a transaction has the partition's
 *   watermark, so a reader that shows the later one has applied everything that the other can have shown. Answers with the
 *   same as_of may come in any order, and so may wallets, whose as_of is the smallest of several partitions.
 * - All answers of one reader, by time: an answer whose request was sent after another answer had come. A reader that
 *   starts again answers only when it has read what the log held then. For windows only their as_of is compared: they are
 *   read from ClickHouse, range by range.
 */
export function checkAnswerOrder(answers: readonly Answer[], problems: Problems): void {
  const byNode = Map.groupBy(answers, ({ body }) => (body.route === 'provider' ? body.nodeId : null))
  for (const [nodeId, some] of byNode) {
    if (nodeId !== null) checkByAsOf(`node ${nodeId}`, some, problems)
  }
  const byReader = Map.groupBy(answers, (answer) => `${subjectOf(answer)} at ${answer.reader}`)
  for (const [subject, some] of byReader) checkByTime(subject, some, problems)
}

function subjectOf({ body }: Answer): string {
  if (body.route === 'wallet') return `wallet ${body.operatorId}`
  return body.route === 'usage' ? `usage of node ${body.nodeId}` : `node ${body.nodeId}`
}

/** The highest value of each counter so far, and the reader that reported it. */
class Highest {
  readonly #values = new Map<string, { readonly value: bigint; readonly place: string }>()

  add(counters: Counters, place: string): void {
    for (const [name, value] of counters) {
      const known = this.#values.get(name)
      if (known === undefined || value > known.value) this.#values.set(name, { value, place })
    }
  }

  /** Reports every counter that is lower than it was. A counter that is absent may not have been requested. */
  compare(subject: string, order: string, counters: Counters, place: string, problems: Problems): void {
    for (const [name, value] of counters) {
      const known = this.#values.get(name)
      if (known === undefined || value >= known.value) continue
      problems.add(
        'answer',
        `${place}, ${subject}: ${name} goes back to ${value}, it was ${known.value} in ${known.place}, ${order}`,
      )
    }
  }
}

function checkByAsOf(subject: string, answers: readonly Answer[], problems: Problems): void {
  const groups = Map.groupBy(answers, ({ asOfMs }) => asOfMs ?? Number.NEGATIVE_INFINITY)
  const highest = new Highest()
  for (const asOfMs of [...groups.keys()].sort((left, right) => left - right)) {
    const group = groups.get(asOfMs) ?? []
    for (const answer of group) {
      highest.compare(subject, 'with an earlier as_of', countersOf(answer), answer.place, problems)
    }
    for (const answer of group) highest.add(countersOf(answer), answer.place)
  }
}

function checkByTime(subject: string, answers: readonly Answer[], problems: Problems): void {
  const arrived = answers.toSorted((left, right) => left.atMs - right.atMs)
  const highest = new Highest()
  let next = 0
  for (const answer of answers.toSorted((left, right) => left.sentMs - right.sentMs)) {
    for (let one = arrived[next]; one !== undefined && one.atMs < answer.sentMs; one = arrived[++next]) {
      highest.add(withAsOf(one), one.place)
    }
    highest.compare(subject, 'which came before it was asked', withAsOf(answer), answer.place, problems)
  }
}

function countersOf({ body }: Answer): Counters {
  return body.route === 'usage' ? new Map() : body.counters
}

function withAsOf(answer: Answer): Counters {
  return new Map([...countersOf(answer), ['as_of', BigInt(answer.asOfMs ?? -1)]])
}
