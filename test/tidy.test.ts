import assert from 'node:assert/strict'
import { dirname, posix } from 'node:path'
import { describe, test } from 'node:test'
import { DONE_STATUS, PROBLEMS } from '../schemas/http/problem.ts'
import { SERVICE_NAMES, SERVICES } from '../schemas/services.ts'
import { TABLES } from '../schemas/tables.ts'
import { VERSION } from '../schemas/version.ts'
import { settingOf } from '../services/runtime/config-schema.ts'
import { migrationColumns } from './support/oracles/migration-columns.ts'
import { functionsOf, importsOf, trackedFiles, withoutComments } from './support/tree.ts'
import type { SourceFile } from './support/tree.ts'

// The rules of this project that a machine can check: each failure names the file, the line and what to do.

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70
const DESIGN_BYTES_MAX = 30_720
const README_LINES_MAX = 30

const files = trackedFiles()
// The fixture's pipeline is checked in the copy that test/lanes/second-pipeline.test.ts makes.
const sources = files.filter(
  ({ path }) => /\.(ts|mjs)$/.test(path) && !path.startsWith('test/fixtures/pipeline/'),
)
const isTest = (path: string): boolean => path.startsWith('test/') || path.endsWith('.test.ts')
const isTool = (path: string): boolean =>
  isTest(path) || path.startsWith('infra/') || path.startsWith('examples/')

const textOf = (path: string): string => files.find((file) => file.path === path)?.text ?? ''

/** Every match of a pattern in code, without comments, as `path:line what`. */
function found(pattern: RegExp, among: readonly SourceFile[]): string[] {
  return among.flatMap(({ path, text }) =>
    withoutComments(text)
      .split('\n')
      .flatMap((line, index) => {
        const [match] = pattern.exec(line) ?? []
        return match === undefined ? [] : [`${path}:${index + 1} ${match.trim()}`]
      }),
  )
}

/** The files that import a package; if there were none, this test would look for the wrong thing. */
function importing(name: string): string[] {
  const paths = sources.filter((file) => importsOf(file).includes(name)).map(({ path }) => path)
  assert.ok(paths.length > 0, `Nothing imports ${name}.`)
  return paths
}

describe('size', () => {
  test(`no file has more than ${FILE_LINES_MAX} lines: split it by idea`, () => {
    const long = sources.filter(({ lines }) => lines.length > FILE_LINES_MAX)
    assert.deepEqual(
      long.map(({ path, lines }) => `${path} ${lines.length}`),
      [],
    )
  })

  test(`no function has more than ${FUNCTION_LINES_MAX} lines: leave control in it, move the rest out`, () => {
    const counted = sources.filter(({ path }) => !path.startsWith('test/contract/'))
    const long = counted.flatMap((file) =>
      functionsOf(file)
        .filter(({ length }) => length > FUNCTION_LINES_MAX)
        .map(({ name, line, length }) => `${file.path}:${line} ${length} lines: ${name}`),
    )
    assert.deepEqual(long, [])
  })
})

describe('folders', () => {
  const FOLDER_FILES_MAX = 30

  test(`no folder has more than ${FOLDER_FILES_MAX} files, tests apart: make rooms in it`, () => {
    const counted = Map.groupBy(
      sources.filter(({ path }) => !path.endsWith('.test.ts')),
      ({ path }) => path.slice(0, path.lastIndexOf('/')),
    )
    const large = [...counted].filter(([, those]) => those.length > FOLDER_FILES_MAX)
    assert.deepEqual(
      large.map(([folder, those]) => `${folder} ${those.length}`),
      [],
    )
  })
})

describe('names', () => {
  test('no path says utils, helpers, common, manager or impl: name the idea', () => {
    const banned = /(^|[/.-])(utils?|helpers?|common|manager|impl)([/.-]|$)/i
    assert.deepEqual(
      files.map(({ path }) => path).filter((path) => banned.test(path)),
      [],
    )
  })
})

describe('time and chance come in through constructors', () => {
  // The two ports; an adapter of a library that takes no clock would be listed here with its reason.
  const MAY = new Map([
    ['pipelines/clock.ts', 'is the clock'],
    ['pipelines/random.ts', 'is the source of chance'],
  ])
  const deciding = sources.filter(({ path }) => !isTool(path) && !MAY.has(path))

  test('nothing asks the machine for the time: take a Clock', () => {
    assert.deepEqual(
      found(/new Date\(\)|\bDate\.now\b|\bperformance\.now\b|\bprocess\.hrtime\b/, deciding),
      [],
    )
  })

  test('nothing asks the machine for chance: take a Random', () => {
    assert.deepEqual(
      found(/\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/, deciding),
      [],
    )
  })

  test('nothing sets a timer: wait with Clock.delay', () => {
    // The timer of a socket is none of ours: Node closes connections that are silent for so long.
    assert.deepEqual(found(/(?<!\bsocket\.)\b(setTimeout|setInterval)\b/, deciding), [])
  })

  test('only what puts a process together names the machine’s own, and patches of kafkajs, which nobody constructs', () => {
    const wiring = /^services\/(\w+\/main|runtime\/(process|kafka))\.ts$|\/kafkajs\/patches\//
    const others = deciding.filter(({ path }) => !wiring.test(path))
    assert.deepEqual(found(/\bsystem(Clock|Random)\b/, others), [])
  })

  test('the exceptions are needed', () => {
    const asks = /Date\.now|performance\.now|randomBytes|setTimeout/
    for (const path of MAY.keys()) {
      const file = sources.find((other) => other.path === path)
      assert.ok(file !== undefined && asks.test(withoutComments(file.text)), `${path} needs no exception`)
    }
  })
})

describe('borders', () => {
  const RANKS = ['schemas', 'pipelines', 'services', 'infra', 'test']
  const rankOf = (path: string): number => (isTest(path) ? 4 : RANKS.indexOf(path.split('/')[0] ?? ''))

  test('imports go schemas ← pipelines ← services ← infra ← test, and never back', () => {
    const back = sources.flatMap((file) =>
      importsOf(file)
        .filter(
          (to) => /^(schemas|pipelines|services|infra|test)\//.test(to) && rankOf(to) > rankOf(file.path),
        )
        .map((to) => `${file.path} imports ${to}`),
    )
    assert.deepEqual(back, [])
  })

  // Each line may import the lines above it, and never its own: the rooms of one line do not know each other.
  const ROOMS = [
    [''],
    ['log', 'json'],
    ['dedupe', 'blocks', 'windows'],
    ['task', 'clickhouse'],
    ['load', 'usage', 'account', 'fleet'],
    ['kafka'],
  ]

  test('no room of pipelines reaches sideways or up', () => {
    const roomOf = (path: string): string => (path.split('/').length > 2 ? (path.split('/')[1] ?? '') : '')
    const lineOf = (room: string): number => ROOMS.findIndex((rooms) => rooms.includes(room))
    const inside = sources.filter(({ path }) => path.startsWith('pipelines/') && !isTest(path))
    assert.deepEqual(
      inside.filter(({ path }) => lineOf(roomOf(path)) < 0).map(({ path }) => path),
      [],
      'a room that has no line',
    )
    const sideways = inside.flatMap((file) =>
      importsOf(file)
        .filter((to) => to.startsWith('pipelines/') && roomOf(to) !== roomOf(file.path))
        .filter((to) => lineOf(roomOf(to)) >= lineOf(roomOf(file.path)))
        .map((to) => `${file.path} imports ${to}`),
    )
    assert.deepEqual(sideways, [])
  })

  /** What a file imports apart from types, which decide nothing. */
  const valuesOf = (file: SourceFile): string[] =>
    importsOf({ ...file, text: file.text.replaceAll(/^import type\b[^;]*?from '[^']+'$/gm, '') })

  /** All files whose code runs with the code of these, directly or through imports. */
  function reachedFrom(start: readonly string[]): ReadonlySet<string> {
    const byPath = new Map(sources.map((file) => [file.path, file]))
    const reached = new Set(start)
    // A set may grow while it is iterated.
    for (const path of reached) {
      const file = byPath.get(path)
      if (file !== undefined) for (const to of valuesOf(file)) reached.add(to)
    }
    return reached
  }

  test('verify and the checker of fault runs share no rule with what they check', () => {
    const RULES = /^pipelines\/(usage|account|fleet|json|dedupe|task|blocks|load)\//
    for (const room of ['services/verify/', 'test/faults/checker/']) {
      const own = sources.filter(({ path }) => path.startsWith(room) && !path.endsWith('.test.ts'))
      assert.ok(own.length > 0, room)
      const shared = [...reachedFrom(own.map(({ path }) => path))].filter((path) => RULES.test(path))
      assert.deepEqual(shared, [], room)
    }
  })

  test('what decides knows codes and no HTTP: the statuses stand in schemas/http/problem.ts', () => {
    const deciding = sources.filter(({ path }) => path.startsWith('pipelines/') && !isTest(path))
    assert.deepEqual(found(/from '.*\/schemas\/http\//, deciding), [])
    const refused = Object.values(PROBLEMS).map(({ status }) => status)
    const statuses = new Set<number>([...refused, ...Object.values(DONE_STATUS)])
    // These numbers are also pauses and numbers of rows: they are statuses where their line shows it.
    const round = [200, 400, 500].filter((status) => statuses.delete(status)).join('|')
    const said = `(?<![\\w.])(?:${[...statuses].join('|')})(?![\\w.])|\\bstatus\\w*\\W+(?:${round})\\b`
    assert.deepEqual(found(new RegExp(said), deciding), [])
  })

  test('only pipelines/kafka/kafkajs knows kafkajs', () => {
    assert.deepEqual(
      importing('kafkajs').filter(
        // The examples are programs of their own, for clients without this project's code.
        (path) => !/^(pipelines\/kafka\/kafkajs|examples)\//.test(path) && !isTest(path),
      ),
      [],
    )
  })

  test('only pipelines/clickhouse knows @clickhouse/client', () => {
    assert.deepEqual(
      importing('@clickhouse/client').filter(
        (path) => !path.startsWith('pipelines/clickhouse/') && !path.startsWith('test/'),
      ),
      [],
    )
  })

  test('only services/runtime/clickhouse.ts opens ClickHouse, for tests too', () => {
    const open = found(/\bopenClickhouse\(/, sources).map((place) => place.slice(0, place.indexOf('.ts:')))
    const itself = ['pipelines/clickhouse/client', 'pipelines/clickhouse/client.test']
    assert.deepEqual(new Set(open), new Set([...itself, 'services/runtime/clickhouse']))
  })

  test('only services/runtime/config.ts reads the environment', () => {
    const among = sources.filter(
      ({ path }) => !isTool(path) && !/^services\/runtime\/config[\w-]*\.ts$/.test(path),
    )
    assert.deepEqual(found(/\bprocess\.env\b/, among), [])
  })

  test('no file only passes on what others export', () => {
    const barrels = sources.filter(({ text }) => {
      const statements = withoutComments(text)
        .split('\n')
        .filter((line) => /^\w/.test(line))
      return statements.length > 0 && statements.every((line) => /^export\b.*\bfrom\b/.test(line))
    })
    assert.deepEqual(
      barrels.map(({ path }) => path),
      [],
    )
    assert.deepEqual(
      sources.filter(({ path }) => /(^|\/)index\.(ts|mjs)$/.test(path)).map(({ path }) => path),
      [],
    )
  })

  test('no dead export: another file names each function, class and constant', () => {
    const EXPORT = /^export (?:async )?(?:function\*?|const|class) ([\w$]+)/gm
    const words = new Map<string, Set<string>>()
    for (const { path, text } of files) {
      for (const [word] of text.matchAll(/[\w$]+/g)) {
        const those = words.get(word)
        if (those === undefined) words.set(word, new Set([path]))
        else those.add(path)
      }
    }
    // The documents take from these as a whole, by their names.
    const named = sources.filter(({ path }) => !path.startsWith('schemas/http/'))
    const dead = named.flatMap(({ path, text }) =>
      [...withoutComments(text).matchAll(EXPORT)]
        .map(([, name = '']) => name)
        .filter((name) => (words.get(name)?.size ?? 0) < 2)
        .map((name) => `${path} ${name}`),
    )
    assert.deepEqual(dead, [])
  })

  test('no dead file: each is imported, started by name, or a test', () => {
    const imported = new Set(sources.flatMap(importsOf))
    const all = files.map(({ text }) => text).join('\n')
    const dead = sources.filter(({ path }) => {
      if (imported.has(path) || isTool(path) || path.endsWith('/main.ts')) return false
      return !all.includes(path)
    })
    assert.deepEqual(
      dead.map(({ path }) => path),
      [],
    )
  })
})

describe('said once', () => {
  test('the version is the package’s', () => {
    assert.equal(VERSION, (JSON.parse(textOf('package.json')) as { version: string }).version)
  })

  test('each service is started by a script and scraped by Prometheus where it listens by default', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
    const scraped = textOf('infra/prometheus/prometheus.yml')
    for (const name of SERVICE_NAMES) {
      assert.ok(scripts[name]?.endsWith(` services/${name}/main.ts`), `npm run ${name}`)
      const { port } = SERVICES[name]
      assert.ok(
        scraped.includes(`- 127.0.0.1:${String(settingOf(port).default)} # ${name}\n`),
        `prometheus.yml lacks ${name}`,
      )
    }
  })

  test('the columns that blocks name are those of the migrations', () => {
    const tables = migrationColumns()
    for (const { name, columns, filled } of Object.values(TABLES)) {
      const migrated = tables.get(name)?.map((column) => column.name) ?? []
      assert.deepEqual([...columns, ...filled].toSorted(byText), migrated.toSorted(byText), name)
    }
  })

  test('every dependency has one exact version', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      textOf('package.json'),
    ) as Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string>>
    for (const [name, version] of Object.entries({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
    })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name)
    }
  })
})

function byText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right)
}

describe('documents', () => {
  const papers = files.filter(({ path }) => path.endsWith('.md'))

  test('every link leads to a file of the project', () => {
    const paths = files.map(({ path }) => path)
    const dead = papers.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(((?!https?:|#|mailto:)[^)\s]+)\)/g)]
        .map(([, link = '']) => posix.join(dirname(path), link.split('#')[0] ?? ''))
        .filter((to) => !paths.some((there) => there === to || there.startsWith(`${to.replace(/\/$/, '')}/`)))
        .map((to) => `${path} leads to ${to}`),
    )
    assert.deepEqual(dead, [])
  })

  test(`each room says in at most ${README_LINES_MAX} lines what is in it, where to begin and what may not be there`, () => {
    const rooms = new Set(
      sources.flatMap(({ path }) => /^(?:pipelines|services|test)\/[\w-]+(?=\/)/.exec(path)?.[0] ?? []),
    )
    assert.ok(rooms.size > 0)
    for (const room of rooms) {
      const readme = files.find(({ path }) => path === `${room}/README.md`)
      assert.ok(readme !== undefined, `${room} has no README.md`)
      assert.ok(readme.lines.length <= README_LINES_MAX, room)
      for (const part of ['What is here', 'Read first', 'What may not be here']) {
        assert.ok(readme.text.includes(`**${part}.**`), `${room}: ${part}`)
      }
    }
  })

  test('DESIGN.md is the design alone, in 30 KiB: bounds, decisions and places have papers of their own', () => {
    assert.ok(Buffer.byteLength(textOf('DESIGN.md')) <= DESIGN_BYTES_MAX)
  })
})

describe('nothing of one machine', () => {
  test('the lockfile names no registry', () => {
    const lines = files.find(({ path }) => path === 'package-lock.json')?.lines ?? []
    assert.deepEqual(
      lines.filter((line) => line.includes('"resolved"')),
      [],
    )
  })

  test('no path of a machine stands anywhere', () => {
    const paths = /(?<![\w.$}*-])\/(work|home|Users|root)\/\w/
    const among = files.filter(({ path }) => path !== 'package-lock.json')
    const said = among.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => (paths.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
    )
    assert.deepEqual(said, [])
  })
})
