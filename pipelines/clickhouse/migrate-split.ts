/** One statement of a migration file. */
export interface Statement {
  /** As written, without the comments and blanks around it and without the semicolon. */
  readonly sql: string
  /** Line of its first character, counted from 1. */
  readonly line: number
}

/** A quote or comment that is not closed, with the line on which it begins. */
export class UnclosedText extends Error {
  readonly line: number

  constructor(what: string, line: number) {
    super(`the ${what} that begins on line ${line} is not closed`)
    this.line = line
  }
}

const BLANK = /\s/
const HEREDOC = /\$\w*\$/y

/**
 * Splits SQL into statements at the semicolons that are not inside a string, a quoted name, a heredoc or a comment, by the
 * rules of ClickHouse's lexer (backslash escapes, doubled quotes, nested comments). Throws UnclosedText.
 */
export function splitStatements(sql: string): Statement[] {
  const statements: Statement[] = []
  let start = -1
  let end = -1
  const close = (): void => {
    if (start >= 0) statements.push({ sql: sql.slice(start, end), line: lineAt(sql, start) })
    start = -1
  }
  for (let at = 0; at < sql.length; ) {
    const afterComment = skipComment(sql, at)
    if (afterComment > at) {
      at = afterComment
      continue
    }
    const character = sql.charAt(at)
    if (character === ';') {
      close()
      at += 1
      continue
    }
    const next = skipQuoted(sql, at)
    if (!BLANK.test(character)) {
      if (start < 0) start = at
      end = next
    }
    at = next
  }
  close()
  return statements
}

/** A word of a statement that is not part of a string, a quoted name, a heredoc or a comment. */
export interface BareWord {
  readonly text: string
  readonly start: number
  /** The position after its last character. */
  readonly end: number
  /** The number of parentheses that are open around it. */
  readonly depth: number
}

const WORD = /[A-Za-z_]\w*/y

/** The bare words of a statement, in their order. Throws UnclosedText. */
export function bareWords(sql: string): BareWord[] {
  const words: BareWord[] = []
  let depth = 0
  for (let at = 0; at < sql.length; ) {
    const afterComment = skipComment(sql, at)
    if (afterComment > at) {
      at = afterComment
      continue
    }
    WORD.lastIndex = at
    const text = WORD.exec(sql)?.[0]
    if (text !== undefined) {
      words.push({ text, start: at, end: at + text.length, depth })
      at += text.length
      continue
    }
    if (sql.charAt(at) === '(') depth += 1
    if (sql.charAt(at) === ')') depth -= 1
    at = skipQuoted(sql, at)
  }
  return words
}

function lineAt(sql: string, at: number): number {
  let line = 1
  for (let index = sql.indexOf('\n'); index >= 0 && index < at; index = sql.indexOf('\n', index + 1))
    line += 1
  return line
}

/** The position after a comment that begins here, or `at` where none does. */
function skipComment(sql: string, at: number): number {
  if (sql.startsWith('--', at) || sql.startsWith('# ', at) || sql.startsWith('#!', at)) {
    const newline = sql.indexOf('\n', at)
    return newline < 0 ? sql.length : newline + 1
  }
  if (!sql.startsWith('/*', at)) return at
  let depth = 1
  for (let index = at + 2; index < sql.length; index += 1) {
    if (sql.startsWith('/*', index)) depth += 1
    else if (sql.startsWith('*/', index)) depth -= 1
    else continue
    index += 1
    if (depth === 0) return index + 1
  }
  throw new UnclosedText('comment', lineAt(sql, at))
}

/** The position after a quoted text that begins here, or after this one character. */
function skipQuoted(sql: string, at: number): number {
  const quote = sql.charAt(at)
  if (quote === '$') return skipHeredoc(sql, at)
  if (quote !== "'" && quote !== '"' && quote !== '`') return at + 1
  for (let index = at + 1; index < sql.length; index += 1) {
    const character = sql.charAt(index)
    if (character === '\\') index += 1
    else if (character === quote) {
      if (sql.charAt(index + 1) !== quote) return index + 1
      index += 1
    }
  }
  throw new UnclosedText(quote === "'" ? 'string' : 'quoted name', lineAt(sql, at))
}

function skipHeredoc(sql: string, at: number): number {
  HEREDOC.lastIndex = at
  const tag = HEREDOC.exec(sql)?.[0]
  if (tag === undefined) return at + 1
  const closing = sql.indexOf(tag, at + tag.length)
  if (closing < 0) throw new UnclosedText('heredoc', lineAt(sql, at))
  return closing + tag.length
}
