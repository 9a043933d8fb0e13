import { SETTINGS, TABLE_FUNCTIONS } from './allowed.ts'
import { isSymbol, isWord, type Token, tokens } from './tokens.ts'
import type { Vocabulary } from './vocabulary.ts'

/** What the text itself shows; the syntax tree leaves some of it out. */
export interface TextFacts {
  /** Why it must not even be given to the engine; undefined where there is no reason. */
  readonly refusal: string | undefined
  /** Clauses `SETTINGS name = …`, all of whose names are allowed. */
  readonly settingsClauses: number
  /** Words outside of quotes, in capital letters, the first three. */
  readonly head: readonly string[]
  readonly hasBrackets: boolean
  /** Names of the parameters `{name:Identifier}`. */
  readonly identifierParameters: readonly string[]
}

/**
 * Where no table has the name, this engine takes a table's name for the name of a file; these names cannot name a file
 * elsewhere.
 */
export function isPlainName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return !/[/\\*?{}\u0000-\u001f\u007f]/.test(name) && !/^[.-]/.test(name)
}

/** Whether a setting may be given from outside. Parameters of the statement are values, not settings. */
export function isAllowedSetting(name: string): boolean {
  return /^param_\w+$/.test(name) || SETTINGS.some((pattern) => pattern.test(name))
}

/**
 * Reads a statement's text (latin1, without the data of an INSERT) for what `EXPLAIN AST` does not print: settings, the
 * hidden parts of TTL and SHOW, functions given by name, files that the client would have to write.
 */
export function judgeText(text: string, vocabulary: Vocabulary): TextFacts {
  const all = [...tokens(text)]
  let settingsClauses = 0
  let refusal: string | undefined
  const identifierParameters: string[] = []
  for (const [at, token] of all.entries()) {
    const next = all[at + 1]
    refusal ??= tokenProblem(token, next, vocabulary)
    if (isWord(token, 'SETTINGS') && isSymbol(all[at + 2], '=')) {
      settingsClauses += 1
      refusal ??= settingsProblem(all, at + 1)
    }
    if (isSymbol(token, '{') && isSymbol(all[at + 2], ':') && isWord(all[at + 3], 'IDENTIFIER'))
      identifierParameters.push(next?.text ?? '')
  }
  const head = all.slice(0, 3).map((token) => (token.kind === 'word' ? token.text.toUpperCase() : ''))
  const hasBrackets = all.some((token) => isSymbol(token, '('))
  return { refusal, settingsClauses, head, hasBrackets, identifierParameters }
}

/**
 * Why the data of `INSERT … VALUES` must not be evaluated: the engine accepts any expression there. Undefined for
 * numbers, texts, and calls of allowed functions.
 */
export function valuesProblem(text: string, vocabulary: Vocabulary): string | undefined {
  const all = [...tokens(text)]
  let inParameter = false
  for (const [at, token] of all.entries()) {
    const next = all[at + 1]
    // The text between the brackets of {name:Type} is a type, not a call.
    if (isSymbol(token, '{', '}')) inParameter = isSymbol(token, '{')
    if (inParameter) continue
    const problem = isWord(token, 'SELECT', 'WITH', 'FROM')
      ? `VALUES holds ${token.text}`
      : tokenProblem(token, next, vocabulary)
    if (problem !== undefined) return problem
    if (isNamed(token) && isSymbol(next, '(') && !vocabulary.mayCall(nameOf(token)))
      return `VALUES calls ${nameOf(token)}()`
  }
  return undefined
}

function isNamed(token: Token | undefined): token is Token {
  return token?.kind === 'word' || token?.kind === 'quoted'
}

/** The name without its quotes; text within is latin1, as the tokens are. */
function nameOf(token: Token): string {
  return token.kind === 'quoted'
    ? token.text.replace(/^(`|"|\xe2\x80\x9c)|(`|"|\xe2\x80\x9d)$/g, '')
    : token.text
}

function tokenProblem(token: Token, next: Token | undefined, vocabulary: Vocabulary): string | undefined {
  // Outside of quotes the language is ASCII; a character that only the engine treats as a space must not hide a clause
  // from us.
  if (token.kind === 'symbol' && token.text.charCodeAt(0) > 126)
    return 'a character outside of ASCII stands outside of quotes'
  if (isWord(token, 'INTO') && isWord(next, 'OUTFILE')) return 'INTO OUTFILE writes a file'
  if (isWord(token, 'FROM') && isWord(next, 'INFILE')) return 'FROM INFILE reads a file'
  if (!isNamed(token)) return undefined
  const name = nameOf(token)
  if (token.kind === 'quoted' && !isPlainName(name)) return `the name ${token.text} could be a file's`
  if (vocabulary.isForbidden(name)) return `the function ${name} is not allowed`
  if (
    isSymbol(next, '(') &&
    vocabulary.isTableFunction(name) &&
    !TABLE_FUNCTIONS.has(name.toLowerCase()) &&
    !vocabulary.mayCall(name)
  )
    return `the table function ${name} is not allowed`
  return undefined
}

/** `name = value, name = value`: the values are literals, and brackets around them are skipped. */
function settingsProblem(all: readonly Token[], from: number): string | undefined {
  let depth = 0
  for (let at = from; at < all.length; at += 1) {
    const token = all[at] as Token
    if (isSymbol(token, '(', '[', '{')) depth += 1
    else if (isSymbol(token, ')', ']', '}')) depth -= 1
    if (depth < 0) return undefined
    if (depth === 0 && isNamed(token) && isSymbol(all[at + 1], '=') && !isAllowedSetting(nameOf(token)))
      return `the setting ${nameOf(token)} is not allowed`
  }
  return undefined
}
