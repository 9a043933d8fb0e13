import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A number that the product's source names: `const NAME = …`. */
export interface NamedNumber {
  readonly file: string
  readonly name: string
  readonly value: number
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const DECLARED = /^(?:export )?const ([A-Z][A-Z0-9_]*) = ([^'"`[{/\n]+)$/gm
const IMPORTED = /^import \{([^}]*)\} from '(\.[^']+)'$/gm
const ATOM = /\s*([A-Z][A-Z0-9_]*|\d[\d_.e]*)n?\s*/y
const OPERATOR = /(\*\*|[*/+-])/y

/** Every number of the source that has a name in capitals, computed from its text: most are private to their file. */
export function namedNumbers(folders: readonly string[]): NamedNumber[] {
  const files = folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: ROOT }))
    .filter((file) => !file.endsWith('.test.ts'))
    .sort()
  return files.flatMap((file) =>
    [...declarationsOf(file).keys()].flatMap((name) => {
      const value = valueOf(file, name)
      return value === null ? [] : [{ file, name, value }]
    }),
  )
}

/** One of them; throws where the file has no such number. */
export function bound(file: string, name: string): number {
  const value = valueOf(file, name)
  if (value === null) throw new Error(`${file} names no number ${name}.`)
  return value
}

function declarationsOf(file: string): Map<string, string> {
  const source = readFileSync(new URL(file, `file://${ROOT}`), 'utf8')
  return new Map([...source.matchAll(DECLARED)].map(([, name = '', text = '']) => [name, text]))
}

/** The value of a name as `file` sees it; null where it is not a number of this form. */
function valueOf(file: string, name: string): number | null {
  const text = declarationsOf(file).get(name)
  if (text !== undefined) return evaluate(text, (other) => valueOf(file, other))
  const source = readFileSync(new URL(file, `file://${ROOT}`), 'utf8')
  for (const [, names = '', from = ''] of source.matchAll(IMPORTED)) {
    if (!names.split(',').some((imported) => imported.trim() === name)) continue
    return valueOf(fileURLToPath(new URL(from, `file://${ROOT}${file}`)).slice(ROOT.length), name)
  }
  return null
}

/** `**` before `*` and `/`, these before `+` and `-`, all from left to right; null for anything else. */
function evaluate(text: string, named: (name: string) => number | null): number | null {
  const numbers: number[] = []
  const operators: string[] = []
  let at = 0
  for (;;) {
    ATOM.lastIndex = at
    const [matched, atom = ''] = ATOM.exec(text) ?? []
    if (matched === undefined) return null
    const value = /^\d/.test(atom) ? Number(atom.replaceAll('_', '')) : named(atom)
    if (value === null || Number.isNaN(value)) return null
    numbers.push(value)
    at += matched.length
    if (at === text.length) break
    OPERATOR.lastIndex = at
    const [operator] = OPERATOR.exec(text) ?? []
    if (operator === undefined) return null
    operators.push(operator)
    at += operator.length
  }
  for (const level of [['**'], ['*', '/'], ['+', '-']]) {
    for (let index = 0; index < operators.length; ) {
      const operator = operators[index] as string
      if (!level.includes(operator)) {
        index += 1
        continue
      }
      const [left, right] = numbers.slice(index, index + 2) as [number, number]
      numbers.splice(index, 2, apply(operator, left, right))
      operators.splice(index, 1)
    }
  }
  return numbers[0] ?? null
}

function apply(operator: string, left: number, right: number): number {
  if (operator === '**') return left ** right
  if (operator === '*') return left * right
  if (operator === '/') return left / right
  return operator === '+' ? left + right : left - right
}

const DURATIONS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
  [1, 'ms'],
] as const
const SIZES = [
  [1_073_741_824, 'GiB'],
  [1_048_576, 'MiB'],
  [1_024, 'KiB'],
  [1, 'bytes'],
] as const

/** A bound as the table of the design shows it: its unit is in its name. */
export function boundText(name: string, value: number): string {
  const inUnits = (units: readonly (readonly [number, string])[]): string => {
    const [size, unit] = units.find(([one]) => value % one === 0) ?? [1, '']
    return `${(value / size).toLocaleString('en')} ${unit}`
  }
  if (value < 0) return 'no limit'
  if (/(^|_)MS(_|$)|Ms(Max)?$/.test(name)) return inUnits(DURATIONS)
  if (/BYTES|bytes(Max)?$/i.test(name)) return inUnits(SIZES)
  if (name.endsWith('_SECONDS')) return `${value} s`
  if (name.endsWith('_DAYS')) return `${value} d`
  const power = Math.log2(value)
  return value > 1e15 && Number.isInteger(power) ? `2^${power}` : value.toLocaleString('en')
}
