import { parseAnswer } from '../../../pipelines/fleet/vendors/reading/parse-answer.ts'
import { Warnings } from '../../../pipelines/fleet/vendors/reading/warnings.ts'
import { isJsonObject } from '../../../pipelines/json/json-object.ts'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'

/** A document in which one place of an answer is another one. */
export type Altered = JsonObject

type Alter = (value: unknown) => readonly unknown[]

/** The document with every answer parsed that can be; what remains as a text is no JSON. */
function withParsedAnswers(document: JsonObject): JsonObject {
  return { ...document, answers: (document['answers'] as readonly JsonObject[]).map(parsedAnswer) }
}

function parsedAnswer(answer: JsonObject): JsonObject {
  const { body_text: text, ...rest } = answer
  if (typeof text !== 'string') return answer
  const body = parseAnswer(text, '', new Warnings())
  return body === undefined ? answer : { ...rest, body }
}

/** Every document that comes of altering one value of an answer's JSON, or one cell of an answer's text. */
export function* alteredAnswers(document: JsonObject, alter: Alter): Generator<Altered> {
  const parsed = withParsedAnswers(document)
  const answers = parsed['answers'] as readonly JsonObject[]
  for (const [index, answer] of answers.entries()) {
    const member = 'body' in answer ? 'body' : 'body_text'
    const value = answer[member]
    const altered = member === 'body' ? alterations(value, alter) : alteredCells(String(value), alter)
    for (const one of altered) yield { ...parsed, answers: answers.with(index, { ...answer, [member]: one }) }
  }
}

function* alterations(value: unknown, alter: Alter): Generator {
  yield* alter(value)
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      for (const altered of alterations(item, alter)) yield value.with(index, altered)
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value))
      for (const altered of alterations(member, alter)) yield { ...value, [name]: altered }
  }
}

function* alteredCells(text: string, alter: Alter): Generator<string> {
  const cells = text.split(/([,\n])/)
  for (const [index, cell] of cells.entries())
    if (index % 2 === 0)
      for (const altered of alter(cell))
        if (typeof altered === 'string') yield cells.with(index, altered).join('')
}

/** The document with one member of one of its answers' objects left out. */
export function* withoutOnePart(document: JsonObject): Generator<Altered> {
  yield* alteredAnswers(document, (value) => {
    if (typeof value === 'string' && /\d/.test(value)) return ['[N/A]']
    if (!isJsonObject(value)) return []
    return Object.keys(value).map((name) =>
      Object.fromEntries(Object.entries(value).filter(([other]) => other !== name)),
    )
  })
}

/** The document with one answer left out, and with one that cannot be used. */
export function* withoutOneAnswer(document: JsonObject): Generator<Altered> {
  const answers = document['answers'] as readonly JsonObject[]
  for (const [index, answer] of answers.entries()) {
    const { request } = answer
    yield { ...document, answers: answers.toSpliced(index, 1) }
    yield { ...document, answers: answers.with(index, { request: request ?? '', body_text: '{"a":' }) }
  }
}
