import type { RawAnswer } from '../../poll.ts'
import { parseAnswer, withoutNuls } from './parse-answer.ts'
import { Place } from './place.ts'
import type { Warnings } from './warnings.ts'

/** The answers of one poll by what was asked. An answer that no adapter asks for is never looked at. */
export class Answers {
  readonly #byRequest = new Map<string, RawAnswer>()
  readonly #warnings: Warnings

  constructor(answers: readonly RawAnswer[], warnings: Warnings) {
    this.#warnings = warnings
    for (const answer of answers) {
      const name = plainName(answer.request)
      if (!this.#byRequest.has(name)) this.#byRequest.set(name, answer)
    }
  }

  /**
   * The answer to the first of these requests that can be used; a place that holds nothing where there is none. Each answer
   * stands alone: what one lacks is null, whatever becomes of the others. A second call looks at the answer again.
   */
  of(...requests: readonly string[]): Place {
    for (const request of requests) {
      const answer = this.#byRequest.get(plainName(request))
      if (answer === undefined) continue
      const parsed = 'parsed' in answer.body ? answer.body.parsed : this.#parse(answer.body.text, request)
      if (parsed !== undefined) return new Place(parsed, this.#warnings)
    }
    return new Place(undefined, this.#warnings)
  }

  /** The text of an answer that is no JSON; null where there is none. */
  text(request: string): string | null {
    const answer = this.#byRequest.get(plainName(request))
    if (answer === undefined) return null
    if ('text' in answer.body) return withoutNuls(answer.body.text, request, this.#warnings)
    return typeof answer.body.parsed === 'string' ? answer.body.parsed : null
  }

  #parse(text: string, request: string): unknown {
    return parseAnswer(text, request, this.#warnings)
  }
}

/** `/summary` and `summary` are the same request, as are capitals and small letters. */
function plainName(request: string): string {
  return request.trim().replace(/^\//, '').toLowerCase()
}
