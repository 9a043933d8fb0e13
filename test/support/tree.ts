import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A file of the project as git knows it, with its current content. */
export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
}

/** Every file that git tracks, except binary ones. */
export function trackedFiles(): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  return listed
    .split('\0')
    .filter((path) => path !== '' && existsSync(`${ROOT}/${path}`))
    .map((path) => ({ path, text: readFileSync(`${ROOT}/${path}`, 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
    .map(({ path, text }) => ({ path, text, lines: text.trimEnd().split('\n') }))
}

const IMPORT = /^(?:import|export)\b[^'"]*?(?:from )?'([^']+)'|\bimport\('([^']+)'\)/gm

/** What a file imports: packages by name, files of the project by their path in it. */
export function importsOf({ path, text }: SourceFile): string[] {
  return [...text.matchAll(IMPORT)].map(([, named, lazy]) => {
    const specifier = named ?? lazy ?? ''
    return specifier.startsWith('.') ? posix.join(dirname(path), specifier) : specifier
  })
}

/** The text without comments, for which no rule holds. Line numbers stay. */
export function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ''))
    .replaceAll(/(^|\s)\/\/.*$/gm, '$1')
}

/** A function by its first line; `length` counts its first and its last line. */
export interface FunctionSpan {
  readonly name: string
  readonly line: number
  readonly length: number
}

const OPENS =
  /(?:^|\s)(?:function\b.*|(?:async |static |get |set )*#?[\w$]+\(.*\)?.*|.*=>) \{$|^\s*\)(?:: .*)? \{$/
const NO_FUNCTION =
  /^\s*(?:\} )?(?:if|for|while|switch|do|else|try|catch|finally|class|interface|return \{|case)\b|^\s*(?:describe|test|it)\(/

/** Functions of several lines in formatted code: a block ends at the first line of its own indent that closes it. */
export function functionsOf({ lines }: SourceFile): FunctionSpan[] {
  const spans: FunctionSpan[] = []
  for (const [index, line] of lines.entries()) {
    if (!OPENS.test(line) || NO_FUNCTION.test(line)) continue
    const indent = /^\s*/.exec(line)?.[0] ?? ''
    const end = lines.findIndex((other, at) => at > index && other.startsWith(`${indent}}`))
    if (end > index) spans.push({ name: line.trim(), line: index + 1, length: end - index + 1 })
  }
  return spans
}
