import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { trackedFiles } from '../tree.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PIPELINE = join(ROOT, 'test/fixtures/pipeline')
const ROWS = 'rows.json'
const NOT_PLANTED: ReadonlySet<string> = new Set([ROWS, 'README.md'])

/** What a pipeline adds to an existing file: a text at one place, before or after a text that is there. */
interface InsertedRow {
  readonly file: string
  readonly before?: string
  readonly after?: string
  readonly insert: string
}

/** How a pipeline differs from the one in the fixture: everything in it that must be its own. */
export interface PlantedName {
  /** One word, in small letters. */
  readonly name: string
  /** Added to the ids of its schemas, in tens, and to its port. */
  readonly apart: number
}

/** A copy of the project's files at `dir`, with its packages. Files that are not committed are in it too. */
export function copyTree(dir: string): void {
  for (const { path, text } of trackedFiles()) {
    mkdirSync(join(dir, dirname(path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  for (const shared of ['node_modules', '.hivemeter/kafka-jars']) {
    if (!existsSync(join(ROOT, shared))) continue
    mkdirSync(join(dir, dirname(shared)), { recursive: true })
    symlinkSync(join(ROOT, shared), join(dir, shared))
  }
  execFileSync('git', ['init', '--quiet'], { cwd: dir })
  // For .gitignore a link is no folder.
  writeFileSync(join(dir, '.git/info/exclude'), 'node_modules\n.hivemeter\n')
  execFileSync('git', ['add', '--all'], { cwd: dir })
}

/** Adds the fixture's pipeline to a copy, under another name: its files, and its rows in tables. Nothing else is changed. */
export function plant(dir: string, named: PlantedName): void {
  for (const path of readdirSync(PIPELINE, { recursive: true, encoding: 'utf8' })) {
    if (NOT_PLANTED.has(path) || !path.includes('.')) continue
    const to = join(dir, numbered(dir, renamed(path, named)))
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, renamed(readFileSync(join(PIPELINE, path), 'utf8'), named))
  }
  const rows = JSON.parse(readFileSync(join(PIPELINE, ROWS), 'utf8')) as InsertedRow[]
  for (const { file, before = '', after = '', insert } of rows) {
    const text = readFileSync(join(dir, file), 'utf8')
    const anchor = before === '' ? after : before
    if (text.split(anchor).length !== 2) throw new Error(`${file} does not have once: ${anchor}`)
    const row = renamed(insert, named)
    writeFileSync(
      join(dir, file),
      text.replace(anchor, () => (before === '' ? after + row : row + before)),
    )
  }
  execFileSync('git', ['add', '--all'], { cwd: dir })
}

/** A migration gets the number that follows. */
function numbered(dir: string, path: string): string {
  const migrations = readdirSync(join(dir, 'schemas/clickhouse')).filter((file) => file.endsWith('.sql'))
  return path.replace('NNN_', `${String(migrations.length + 1).padStart(3, '0')}_`)
}

/** Its folders, every name in it, and the numbers that no two pipelines may share. */
function renamed(text: string, { name, apart }: PlantedName): string {
  const capital = name.charAt(0).toUpperCase() + name.slice(1)
  return text
    .replaceAll('tally', name)
    .replaceAll('Tally', capital)
    .replaceAll('TALLY', name.toUpperCase())
    .replaceAll(/\b90([0-2])\b/g, (_, digit: string) => String(900 + apart * 10 + Number(digit)))
    .replaceAll('4686', String(4686 + apart))
}
