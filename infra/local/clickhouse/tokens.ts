/** One token of ClickHouse's SQL, as a place in the text. Comments and white space are not tokens. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'literal' | 'symbol'
  /** The token as written; a word is compared in upper case by `isWord`. */
  readonly text: string
  readonly start: number
  readonly end: number
}

const SPACE = /[ \t\r\n\f\v\0]/
const WORD_START = /[A-Za-z_]/
const WORD = /[\w$]*/y
const NUMBER = /\d[\w.]*/y
const LINE_COMMENTS = ['--', '//', '# ', '#!']
const HEREDOC = /\$\w*\$/y

/** Typographic quotes are quotes to the engine; the text is latin1, so each is three characters. */
const CURLY: Readonly<Record<string, string>> = {
  '\xe2\x80\x98': '\xe2\x80\x99',
  '\xe2\x80\x9c': '\xe2\x80\x9d',
}

/** True if the token is this keyword (given in upper case). A quoted name never is. */
export function isWord(token: Token | undefined, ...keywords: readonly string[]): boolean {
  return token?.kind === 'word' && keywords.includes(token.text.toUpperCase())
}

/** True if the token is this one character. */
export function isSymbol(token: Token | undefined, ...symbols: readonly string[]): boolean {
  return token?.kind === 'symbol' && symbols.includes(token.text)
}

/**
 * Cuts SQL into tokens by the rules of the engine's lexer, lazily: reading the head of an INSERT does not touch its data.
 * The text must be latin1 (one character = one byte), so that places are byte offsets whatever follows. A quote or
 * comment that is not closed runs to the end; the engine then reports it.
 */
export function* tokens(text: string, from = 0): Generator<Token, undefined> {
  let at = from
  for (;;) {
    at = skipBlank(text, at)
    if (at >= text.length) return
    const token = tokenAt(text, at)
    yield token
    at = token.end
  }
}

function tokenAt(text: string, start: number): Token {
  const first = text.charAt(start)
  const make = (kind: Token['kind'], end: number): Token => ({
    kind,
    text: text.slice(start, end),
    start,
    end,
  })
  if (WORD_START.test(first)) return make('word', endOf(WORD, text, start))
  if (first === "'") return make('literal', afterQuote(text, start, first))
  if (first === '`' || first === '"') return make('quoted', afterQuote(text, start, first))
  if (first === '$') {
    const opened = endOf(HEREDOC, text, start)
    if (opened > start) return make('literal', afterText(text, opened, text.slice(start, opened)))
  }
  if (first >= '0' && first <= '9') return make('literal', endOf(NUMBER, text, start))
  const closing = CURLY[text.slice(start, start + 3)]
  if (closing !== undefined) {
    return make(closing.endsWith('\x99') ? 'literal' : 'quoted', afterText(text, start + 3, closing))
  }
  return make('symbol', start + 1)
}

function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start
  return pattern.test(text) ? pattern.lastIndex : start
}

function afterText(text: string, from: number, closing: string): number {
  const at = text.indexOf(closing, from)
  return at < 0 ? text.length : at + closing.length
}

/** A backslash escapes the next character, a doubled quote is a quote. */
function afterQuote(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (character === '\\') at += 1
    else if (character === quote) {
      if (text.charAt(at + 1) !== quote) return at + 1
      at += 1
    }
  }
  return text.length
}

function skipBlank(text: string, from: number): number {
  let at = from
  while (at < text.length) {
    if (SPACE.test(text.charAt(at))) at += 1
    else if (LINE_COMMENTS.some((mark) => text.startsWith(mark, at))) {
      at = afterText(text, at, '\n')
    } else if (text.startsWith('/*', at)) at = afterComment(text, at)
    else break
  }
  return at
}

/** Comments nest. */
function afterComment(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    if (text.startsWith('/*', at)) {
      depth += 1
      at += 1
    } else if (text.startsWith('*/', at)) {
      depth -= 1
      at += 1
      if (depth === 0) return at + 1
    }
  }
  return text.length
}
