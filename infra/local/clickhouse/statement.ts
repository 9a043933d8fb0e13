import { isSymbol, isWord, type Token, tokens } from './tokens.ts'

/**
 * A statement, taken apart as far as the server must know it. Places are byte offsets into the statement's text.
 * - `values`: `INSERT … FORMAT X` or `INSERT … VALUES`: what follows `dataStart` is data, in `format`.
 * - `input`: `INSERT … SELECT … FROM input('…') … FORMAT X`: the same, and the call of input() is `call`.
 * - `text`: everything else; it holds no data. `format` is what its FORMAT clause names, if it has one, and `formatClause`
 *   where that clause is.
 * - `unclear`: begins with INSERT and then does not go on as an INSERT does, so it could hold data.
 */
export type Statement =
  | {
      readonly kind: 'values'
      readonly format: string
      readonly dataStart: number
      readonly settings: Span
      readonly targetEnd: number
    }
  | { readonly kind: 'input'; readonly format: string; readonly dataStart: number; readonly call: InputCall }
  | {
      readonly kind: 'text'
      readonly format: string | undefined
      readonly formatClause: Span | undefined
      readonly streams: boolean
      readonly insert: boolean
      readonly outfile: boolean
    }
  | { readonly kind: 'unclear' }

/** A half-open piece of the text. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The call `input('structure')`: the whole of it, where its FORMAT clause begins, and its argument as written. */
export interface InputCall extends Span {
  readonly structure: string
  readonly formatStart: number
}

/** SHOW, DESCRIBE, EXISTS and EXPLAIN are reads too, but the engine refuses to stream them. */
const STREAMED = ['SELECT', 'WITH', 'FROM']

/** A FORMAT after one of these is a name (`FROM format`), not the clause. */
const NAME_FOLLOWS = ['SELECT', 'DISTINCT', 'FROM', 'JOIN', 'AS', 'BY', 'WHERE', 'HAVING', 'AND', 'OR', 'NOT']

/**
 * Takes a statement apart. An INSERT is read by its grammar from left to right and never further than to where its data
 * begins, so neither a name nor the data can be taken for a clause.
 * @param text the statement as latin1, see `tokens`.
 */
export function readStatement(text: string): Statement {
  const cursor = new Cursor(text)
  if (isWord(cursor.peek(), 'INSERT')) return readInsert(cursor, text)
  const first = cursor.peek()
  const streams = isWord(first, ...STREAMED) || isSymbol(first, '(')
  return { kind: 'text', ...readClauses(cursor), streams, insert: false }
}

/** True if anything but semicolons follows a semicolon: apart from quotes and comments, that is a second statement. */
export function holdsSeveral(text: string): boolean {
  let ended = false
  for (const token of tokens(text)) {
    if (isSymbol(token, ';')) ended = true
    else if (ended) return true
  }
  return false
}

function readInsert(cursor: Cursor, text: string): Statement {
  cursor.next()
  cursor.skipWord('INTO')
  cursor.skipWord('TABLE')
  let targetEnd = cursor.skipWord('FUNCTION') ? skipFunction(cursor) : skipName(cursor)
  if (targetEnd < 0) return { kind: 'unclear' }
  if (
    isSymbol(cursor.peek(), '(') &&
    !isWord(cursor.peek(1), 'SELECT', 'WITH') &&
    !isSymbol(cursor.peek(1), '(')
  )
    targetEnd = cursor.skipGroup()
  const settings = skipSettings(cursor, targetEnd)
  const token = cursor.next()
  if (isWord(token, 'VALUES')) {
    return { kind: 'values', format: 'Values', dataStart: token?.end ?? 0, settings, targetEnd }
  }
  if (isWord(token, 'FORMAT')) {
    const name = cursor.next()
    if (name?.kind !== 'word') return { kind: 'unclear' }
    return { kind: 'values', format: name.text, dataStart: dataAfter(text, name.end), settings, targetEnd }
  }
  if (isWord(token, 'SELECT', 'WITH') || isSymbol(token, '(')) return readInsertSelect(cursor, text)
  return { kind: 'unclear' }
}

/** `INSERT … SELECT`: it has data only if input() is called, and then after the FORMAT clause that follows the call. */
function readInsertSelect(cursor: Cursor, text: string): Statement {
  let call: Omit<InputCall, 'formatStart'> | undefined
  for (let token = cursor.next(); token; token = cursor.next()) {
    if (!call && isWord(token, 'INPUT') && isSymbol(cursor.peek(), '(')) {
      const open = cursor.peek()
      const end = cursor.skipGroup()
      call = { start: token.start, end, structure: text.slice(open?.end ?? end, end - 1) }
    } else if (call && isWord(token, 'FORMAT') && cursor.peek()?.kind === 'word') {
      const name = cursor.next()
      const nameEnd = name?.end ?? token.end
      const dataStart = dataAfter(text, nameEnd)
      return {
        kind: 'input',
        format: name?.text ?? '',
        dataStart,
        call: { ...call, formatStart: token.start },
      }
    }
  }
  return call
    ? { kind: 'unclear' }
    : {
        kind: 'text',
        format: undefined,
        formatClause: undefined,
        streams: false,
        insert: true,
        outfile: false,
      }
}

/** Spaces and one line end separate the format's name from the data; all further bytes are data. */
function dataAfter(text: string, end: number): number {
  let at = end
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\f') at += 1
  if (text[at] === '\r') at += 1
  return text[at] === '\n' ? at + 1 : at
}

/** `db.table`, `"quoted"`, `{parameter:Identifier}`. Returns the end, or -1 where there is no name. */
function skipName(cursor: Cursor): number {
  let end = -1
  do {
    const token = cursor.peek()
    if (isSymbol(token, '{')) end = cursor.skipGroup()
    else if (token?.kind === 'word' || token?.kind === 'quoted') end = cursor.next()?.end ?? -1
    else return -1
  } while (cursor.skipSymbol('.'))
  return end
}

/** `FUNCTION file(…) [PARTITION BY …]`: up to what can follow it. */
function skipFunction(cursor: Cursor): number {
  let end = -1
  for (let token = cursor.peek(); token; token = cursor.peek()) {
    if (end >= 0 && isWord(token, 'SETTINGS', 'FORMAT', 'VALUES', 'SELECT', 'WITH')) break
    end = isSymbol(token, '(') ? cursor.skipGroup() : (cursor.next()?.end ?? end)
  }
  return end
}

/** `SETTINGS name = literal, …`; an empty span where there is none. */
function skipSettings(cursor: Cursor, targetEnd: number): Span {
  const start = cursor.peek()?.start ?? targetEnd
  if (!cursor.skipWord('SETTINGS')) return { start: targetEnd, end: targetEnd }
  let end = start
  do {
    cursor.next()
    cursor.skipSymbol('=')
    while (cursor.skipSymbol('-') || cursor.skipSymbol('+'));
    end = isSymbol(cursor.peek(), '(', '[', '{') ? cursor.skipGroup() : (cursor.next()?.end ?? end)
  } while (cursor.skipSymbol(','))
  return { start, end }
}

/** The clauses outside of all brackets: the last FORMAT, and INTO OUTFILE, which would write on the server. */
function readClauses(
  cursor: Cursor,
): Pick<Extract<Statement, { kind: 'text' }>, 'format' | 'formatClause' | 'outfile'> {
  let format: string | undefined
  let formatClause: Span | undefined
  let outfile = false
  let before: Token | undefined
  for (let token = cursor.peek(); token; token = cursor.peek()) {
    if (isSymbol(token, '(', '[', '{')) cursor.skipGroup()
    else {
      cursor.next()
      const following = cursor.peek()
      if (isWord(token, 'INTO') && isWord(following, 'OUTFILE')) outfile = true
      if (isWord(token, 'FORMAT') && following?.kind === 'word' && !namesFollow(before)) {
        format = following.text
        formatClause = { start: token.start, end: following.end }
      }
    }
    before = token
  }
  return { format, formatClause, outfile }
}

function namesFollow(before: Token | undefined): boolean {
  return (
    before === undefined ||
    isWord(before, ...NAME_FOLLOWS) ||
    isSymbol(before, ',', '.', '=', '<', '>', '+', '-', '/', '%')
  )
}

/** Reads tokens one by one, can see the next one in advance, and skips bracketed groups. */
class Cursor {
  readonly #source: Generator<Token, undefined>
  readonly #ahead: Token[] = []

  constructor(text: string) {
    this.#source = tokens(text)
  }

  peek(distance = 0): Token | undefined {
    while (this.#ahead.length <= distance) {
      const { value } = this.#source.next()
      if (!value) return undefined
      this.#ahead.push(value)
    }
    return this.#ahead[distance]
  }

  next(): Token | undefined {
    return this.#ahead.shift() ?? this.#source.next().value
  }

  skipWord(keyword: string): boolean {
    return isWord(this.peek(), keyword) && this.next() !== undefined
  }

  skipSymbol(symbol: string): boolean {
    return isSymbol(this.peek(), symbol) && this.next() !== undefined
  }

  /** Skips a bracket and everything up to its partner; returns the end. */
  skipGroup(): number {
    let depth = 0
    let end = 0
    for (let token = this.next(); token; token = this.next()) {
      end = token.end
      if (isSymbol(token, '(', '[', '{')) depth += 1
      else if (isSymbol(token, ')', ']', '}')) depth -= 1
      if (depth === 0) break
    }
    return end
  }
}
