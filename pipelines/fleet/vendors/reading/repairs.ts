/**
 * The mistakes in JSON that machines are known to make, each with its repair. They are applied only to an answer that does
 * not parse, one after the other, until it does. An answer that was cut in the middle is not among them: what can be read of
 * it would be some of the boards, shown as all.
 */

const TOKENS = /"(?:[^"\\]|\\.)*"|[^"]+|"/gs

/** Applies a change to the text outside of strings, and another to the strings. */
function byTokens(
  text: string,
  outside: (part: string) => string,
  string: (part: string) => string = (part) => part,
): string {
  return text.replaceAll(TOKENS, (part) => (part.startsWith('"') ? string(part) : outside(part)))
}

/** `""temp0": 1`: the name's quote is there twice. In JSON no word follows two quotes. */
const doubledQuotes = (text: string): string => text.replaceAll(/(?<!\\)""(?=\w)/g, '"')

/** Line ends and other controls inside of strings. */
const controlsInStrings = (text: string): string =>
  byTokens(
    text,
    (part) => part,
    (part) => part.replaceAll(/\p{Cc}/gu, ' '),
  )

/** `nan`, `-nan`, `inf`: a division by zero, just after the start. As a text it is still known as not finite. */
const bareNotFinite = (text: string): string =>
  byTokens(text, (part) => part.replaceAll(/[+-]?\b(?:nan|inf(?:inity)?)\b/gi, '"nan"'))

const missingCommas = (text: string): string =>
  byTokens(text, (part) => part.replaceAll(/\}(\s*)\{/g, '},$1{'))

/** Before the answer, after an opener, before a closer. */
const needlessCommas = (text: string): string =>
  byTokens(text.replace(/^\s*,/, ''), (part) =>
    part.replaceAll(/,(\s*[}\]])/g, '$1').replaceAll(/([{[]\s*),/g, '$1'),
  )

const STRING = String.raw`"(?:[^"\\]|\\.)*"`
const PAIR = String.raw`\s*${STRING}\s*:\s*${STRING}\s*`
const LIST_OF_PAIRS = new RegExp(String.raw`\[(${PAIR}(?:,${PAIR})*)\]`, 'g')

/** `["111":"time","206":"time"]`: pairs without braces. */
const bracelessPairs = (text: string): string => text.replaceAll(LIST_OF_PAIRS, '[{$1}]')

/** In this order: each one may count on those before it. */
export const REPAIRS: readonly ((text: string) => string)[] = [
  doubledQuotes,
  controlsInStrings,
  bareNotFinite,
  missingCommas,
  needlessCommas,
  bracelessPairs,
]
