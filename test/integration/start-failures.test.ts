import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { markProcess } from '../../infra/local/run-file.ts'
import { VERSION } from '../../schemas/version.ts'

const START = fileURLToPath(new URL('../../infra/local/start.ts', import.meta.url))
const SERVICE = fileURLToPath(new URL('../../services/gateway/main.ts', import.meta.url))
const START_TIMEOUT_MS = 30_000
const TAKEN_PORT = 26_930
/** No process listens on this port. */
const GONE_PORT = 26_939

/** The settings of one start: ports of its own, and none of the server addresses that the test run got. */
function settingsFor(dataDir: string): Record<string, string> {
  return {
    HIVEMETER_DATA_DIR: dataDir,
    HIVEMETER_READER_PORT: '26931',
    HIVEMETER_GATEWAY_PORT: '26932',
    HIVEMETER_AGGREGATOR_OPS_PORT: '26933',
    HIVEMETER_SETTLER_OPS_PORT: '26934',
    HIVEMETER_FLEET_OPS_PORT: '26940',
    HIVEMETER_LOADER_OPS_PORT: '26935',
    HIVEMETER_KAFKA_PORT: '26936',
    HIVEMETER_KAFKA_CONTROLLER_PORT: '26937',
    HIVEMETER_CLICKHOUSE_PORT: '26938',
  }
}

interface Place {
  /** A folder for this case alone. */
  readonly dir: string
  readonly dataDir: string
}

interface FailingStart {
  readonly name: string
  readonly exitCode: number
  /** The last line of the output, complete. Figures of this machine are replaced by N. */
  readonly lastLine: (place: Place) => string
  readonly prepare?: (place: Place) => Record<string, string> | void
  readonly args?: (place: Place) => readonly string[]
  /** The service to start instead of everything. */
  readonly program?: string
}

/** A folder with one program in it, searched before the machine's folders or instead of them. */
function folderWith(dir: string, program: string, script: string): string {
  const folder = join(dir, 'bin')
  mkdirSync(folder)
  writeFileSync(join(folder, program), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, program), 0o755)
  return folder
}

/** The path of a program of this machine. */
function programPath(program: string): string {
  const folder = (process.env['PATH'] ?? '').split(delimiter).find((path) => existsSync(join(path, program)))
  assert(folder !== undefined, `${program} is needed for this test`)
  return join(folder, program)
}

const FAKE_JAVA_11 = `echo 'openjdk version "11.0.2" 2019-01-15' >&2`
const JAVA_REMEDY =
  'Install Java 17 (Debian, Ubuntu: apt-get install openjdk-17-jre-headless), or set JAVA_HOME to one.'
const OUR_PATH = process.env['PATH'] ?? ''

function writeMarker(dataDir: string, content: string): void {
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(join(dataDir, 'hivemeter.json'), content)
}

const FAILING_STARTS: readonly FailingStart[] = [
  {
    name: 'the port of the reader is taken',
    exitCode: 1,
    prepare: () => ({ HIVEMETER_READER_PORT: String(TAKEN_PORT) }),
    lastLine: () =>
      `hivemeter: Port ${TAKEN_PORT} on 127.0.0.1 is taken by another process. Stop it, or set HIVEMETER_READER_PORT to a free port.`,
  },
  {
    name: 'the port of Kafka is taken',
    exitCode: 1,
    prepare: () => ({ HIVEMETER_KAFKA_PORT: String(TAKEN_PORT) }),
    lastLine: () =>
      `hivemeter: Port ${TAKEN_PORT} on 127.0.0.1 is taken by another process. Stop it, or set HIVEMETER_KAFKA_PORT to a free port.`,
  },
  {
    name: 'Java is too old',
    exitCode: 1,
    prepare: ({ dir }) => ({
      PATH: `${folderWith(dir, 'java', FAKE_JAVA_11)}${delimiter}${OUR_PATH}`,
      JAVA_HOME: '',
    }),
    lastLine: () => `hivemeter: Java 11 is too old: Kafka needs Java 17 or newer. ${JAVA_REMEDY}`,
  },
  {
    name: 'there is no Java',
    exitCode: 1,
    prepare: ({ dir }) => ({ PATH: folderWith(dir, 'mvn', 'exit 0'), JAVA_HOME: '' }),
    lastLine: () => `hivemeter: No Java was found, and Kafka needs Java 17 or newer. ${JAVA_REMEDY}`,
  },
  {
    name: 'there is no Maven while the jars are missing',
    exitCode: 1,
    prepare: ({ dir }) => {
      const bin = join(dir, 'bin')
      mkdirSync(bin)
      symlinkSync(programPath('java'), join(bin, 'java'))
      return { PATH: bin, HIVEMETER_KAFKA_JARS_DIR: join(dir, 'jars') }
    },
    lastLine: () =>
      "hivemeter: No Maven was found, and the first start downloads Kafka's jars with it. Install it (Debian, Ubuntu: apt-get install maven).",
  },
  {
    name: 'Maven does not reach its repository',
    exitCode: 69,
    prepare: ({ dir }) => {
      const script =
        '[ "$1" = --version ] && exit 0\necho "[ERROR] Could not transfer artifact: Network is unreachable"\nexit 1'
      return {
        PATH: `${folderWith(dir, 'mvn', script)}${delimiter}${OUR_PATH}`,
        HIVEMETER_KAFKA_JARS_DIR: join(dir, 'jars'),
      }
    },
    lastLine: () =>
      "hivemeter: Kafka's jars could not be downloaded with Maven: mvn ended with exit code 1: [ERROR] Could not transfer artifact: Network is unreachable. Check that Maven reaches its repository (mvn -version, ~/.m2/settings.xml) and start again.",
  },
  {
    name: 'memory is short',
    exitCode: 1,
    prepare: () => ({ HIVEMETER_MEMORY_MIN_MB: '1000000' }),
    lastLine: () =>
      'hivemeter: Only N MB of memory are free, and 1000000 MB are needed. Close other programs, or lower HIVEMETER_MEMORY_MIN_MB.',
  },
  {
    name: 'the disk is nearly full',
    exitCode: 1,
    prepare: () => ({ HIVEMETER_DISK_MIN_MB: '100000000' }),
    lastLine: ({ dataDir }) =>
      `hivemeter: Only N MB of disk are free for ${dataDir}, and 100000000 MB are needed. Make room, set HIVEMETER_DATA_DIR to another disk, or lower HIVEMETER_DISK_MIN_MB.`,
  },
  {
    name: 'the data folder is somebody else’s',
    exitCode: 78,
    prepare: ({ dataDir }) => {
      mkdirSync(dataDir)
      writeFileSync(join(dataDir, 'thesis.tex'), '')
    },
    lastLine: ({ dataDir }) =>
      `hivemeter: The data folder ${dataDir} is not Hivemeter's: it holds "thesis.tex" and no hivemeter.json. Set HIVEMETER_DATA_DIR to a new or empty folder.`,
  },
  {
    name: 'the data folder is of a newer version',
    exitCode: 78,
    prepare: ({ dataDir }) => writeMarker(dataDir, '{"format":2,"made_by":"9.0.0"}'),
    lastLine: ({ dataDir }) =>
      `hivemeter: The data folder ${dataDir} has format 2, but Hivemeter ${VERSION} reads format 1. Start the version that wrote it, or set HIVEMETER_DATA_DIR to another folder.`,
  },
  {
    name: 'the marker of the data folder is torn',
    exitCode: 78,
    prepare: ({ dataDir }) => writeMarker(dataDir, '{"form'),
    lastLine: ({ dataDir }) =>
      `hivemeter: The data folder ${dataDir} has a damaged hivemeter.json, but Hivemeter ${VERSION} reads format 1. Start the version that wrote it, or set HIVEMETER_DATA_DIR to another folder.`,
  },
  {
    name: 'another supervisor runs on the folder',
    exitCode: 1,
    prepare: ({ dataDir }) => {
      writeMarker(dataDir, '{"format":1}')
      const supervisor = markProcess('supervisor', process.pid)
      writeFileSync(join(dataDir, 'run.json'), JSON.stringify({ supervisor, parts: [] }))
    },
    lastLine: ({ dataDir }) =>
      `hivemeter: Hivemeter already runs on ${dataDir} as process ${process.pid}. Stop it with Ctrl-C in its terminal or with kill ${process.pid}, or set HIVEMETER_DATA_DIR and the ports for a second one.`,
  },
  {
    name: 'the meta file of Kafka is torn',
    exitCode: 1,
    prepare: ({ dataDir }) => {
      writeMarker(dataDir, '{"format":1}')
      mkdirSync(join(dataDir, 'kafka', 'data'), { recursive: true })
      writeFileSync(join(dataDir, 'kafka', 'data', 'meta.properties'), 'version=1\nnode.id=1\nclus')
    },
    lastLine: ({ dataDir }) =>
      `hivemeter: Kafka's ${dataDir}/kafka/data/meta.properties is damaged: it names no cluster.id, directory.id. Restore that file from a copy, or run npm run reset to forget the data.`,
  },
  {
    name: 'a setting is unknown',
    exitCode: 78,
    prepare: () => ({ HIVEMETER_REDAER_PORT: '1' }),
    lastLine: () =>
      'hivemeter: Unknown environment variable HIVEMETER_REDAER_PORT. Did you mean HIVEMETER_READER_PORT? Rename or unset it.',
  },
  {
    name: 'a setting in the file is unknown',
    exitCode: 78,
    prepare: ({ dir }) => writeFileSync(join(dir, 'settings.json'), '{"partition": 8}'),
    args: ({ dir }) => ['--config', join(dir, 'settings.json')],
    lastLine: ({ dir }) =>
      `hivemeter: Unknown setting "partition" in ${join(dir, 'settings.json')}. Did you mean "partitions"? Rename or remove it.`,
  },
  {
    name: 'a setting has the wrong type',
    exitCode: 78,
    prepare: () => ({ HIVEMETER_PARTITIONS: 'four' }),
    lastLine: () =>
      "hivemeter: The value 'four' of environment variable HIVEMETER_PARTITIONS does not fit. Give a whole number from 1 to 1024. Without it: 4.",
  },
  {
    name: 'the given broker is gone',
    exitCode: 69,
    prepare: () => ({ HIVEMETER_KAFKA_BROKERS: `127.0.0.1:${GONE_PORT}` }),
    lastLine: () =>
      `hivemeter: Kafka at 127.0.0.1:${GONE_PORT} cannot be reached: connect ECONNREFUSED 127.0.0.1:${GONE_PORT}. Start it, or unset HIVEMETER_KAFKA_BROKERS to run one here.`,
  },
  {
    name: 'the given ClickHouse is gone',
    exitCode: 69,
    prepare: () => ({ HIVEMETER_CLICKHOUSE_URL: `http://127.0.0.1:${GONE_PORT}` }),
    lastLine: () =>
      `hivemeter: ClickHouse at http://127.0.0.1:${GONE_PORT} cannot be reached: connect ECONNREFUSED 127.0.0.1:${GONE_PORT}. Start it, or unset HIVEMETER_CLICKHOUSE_URL to run one here.`,
  },
  {
    name: 'an argument is wrong',
    exitCode: 2,
    args: () => ['--verbose'],
    lastLine: () =>
      "hivemeter: Unknown option '--verbose'. The only argument is --config <file.json>: npm start -- --config settings.json.",
  },
  {
    name: 'a service that asks for no keys is told to listen to everybody',
    exitCode: 78,
    program: SERVICE,
    prepare: () => ({ HIVEMETER_ACCESS: 'off', HIVEMETER_GATEWAY_HOST: '0.0.0.0' }),
    lastLine: () =>
      'hivemeter gateway: HIVEMETER_GATEWAY_HOST is 0.0.0.0, but a server that asks for no keys (HIVEMETER_ACCESS=off) listens on loopback only. Set it to 127.0.0.1.',
  },
]

interface Ended {
  readonly exitCode: number | null
  readonly lastLine: string
  readonly output: string
}

function run(program: string, args: readonly string[], environment: Record<string, string>): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HIVEMETER_'))
  // One pipe for both streams, so that the last line is the one written last.
  const child = spawn('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', process.execPath, program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...Object.fromEntries(inherited), ...environment },
    timeout: START_TIMEOUT_MS,
  })
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  return new Promise((resolve) => {
    child.once('close', (exitCode) => {
      const lastLine = output.trimEnd().split('\n').at(-1) ?? ''
      resolve({ exitCode, output, lastLine: lastLine.replace(/^(hivemeter: Only )\d+( MB)/, '$1N$2') })
    })
  })
}

// One after the other: each start checks the same ports, and two that check at once see each other.
describe('a start that fails says why in its last line', { concurrency: 1 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'hivemeter-start-'))
  const taken = createServer()
  before(() => new Promise<void>((resolve) => taken.listen({ host: '127.0.0.1', port: TAKEN_PORT }, resolve)))
  after(() => {
    taken.close()
    rmSync(root, { recursive: true, force: true })
  })

  for (const [index, start] of FAILING_STARTS.entries()) {
    it(start.name, async () => {
      const dir = join(root, String(index))
      const place = { dir, dataDir: join(dir, 'data') }
      mkdirSync(dir)
      const given = start.prepare?.(place) ?? {}
      const settings = { ...settingsFor(place.dataDir), ...given }
      const ended = await run(start.program ?? START, start.args?.(place) ?? [], settings)
      assert.deepEqual(
        { exitCode: ended.exitCode, lastLine: ended.lastLine },
        { exitCode: start.exitCode, lastLine: start.lastLine(place) },
        ended.output,
      )
    })
  }
})
