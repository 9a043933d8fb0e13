import { mkdirSync, readFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Admission } from './admission.ts'
import { DirectoryInUse, Engine } from './engine.ts'
import { Gate } from './gate.ts'
import { loadAddon } from './native.ts'
import { Server } from './server.ts'
import { Sessions } from './session.ts'
import { Spool } from './spool.ts'

const USAGE =
  'usage: main.ts --dir DIR --port PORT [--host 127.0.0.1] [--password-file FILE] [--allow-engine ENGINE] [--niceness N] [--watch-parent]'
/** Node's own default; `start.ts` sets more, which has to be done before Node starts. */
const THREADS_DEFAULT = 4

/** Where all processes share a few cores, rows may wait for decisions, and not the other way round. */
const NICENESS_DEFAULT = '5'

interface Arguments {
  readonly dir: string
  readonly port: number
  readonly host: string
  /** The password of the one user; empty for none. */
  readonly password: string
  readonly extraEngines: readonly string[]
  readonly niceness: number
  readonly watchParent: boolean
}

function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: {
        dir: { type: 'string' },
        port: { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        'password-file': { type: 'string' },
        'allow-engine': { type: 'string', multiple: true, default: [] },
        niceness: { type: 'string', default: NICENESS_DEFAULT },
        'watch-parent': { type: 'boolean', default: false },
      },
    })
    if (!values.dir) throw new Error('--dir is missing')
    const port = Number(values.port)
    if (!values.port || !Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new Error(`--port must be a number from 1 to 65535, not ${values.port ?? 'missing'}`)
    }
    const passwordFile = values['password-file']
    const niceness = Number(values.niceness)
    if (!Number.isInteger(niceness) || niceness < 0 || niceness > 19) {
      throw new Error(`--niceness must be a number from 0 to 19, not ${values.niceness}`)
    }
    return {
      dir: resolve(values.dir),
      port,
      host: values.host,
      password: passwordFile === undefined ? '' : readFileSync(passwordFile, 'utf8').trim(),
      extraEngines: values['allow-engine'],
      niceness,
      watchParent: values['watch-parent'],
    }
  } catch (error) {
    return fail(2, `${(error as Error).message.split('\n', 1)[0]} (${USAGE})`)
  }
}

function fail(code: number, message: string): never {
  console.error(message)
  process.exit(code)
}

/** Resolves when this process is requested to end: by a signal, or because its parent is gone (kill -9 included). */
function endRequested(watchParent: boolean): Promise<undefined> {
  return new Promise((done) => {
    const resolve = (): void => done(undefined)
    process.on('SIGTERM', resolve).on('SIGINT', resolve)
    if (!watchParent) return
    // The parent holds the other end of stdin; the kernel closes it when the parent ends, however it ends.
    process.stdin.on('end', resolve).on('close', resolve).on('error', resolve).resume()
    // No process reads our output any more then, and that must not end this process before it has stopped in order.
    for (const output of [process.stdout, process.stderr]) output.on('error', resolve)
  })
}

async function run(given: Arguments): Promise<void> {
  const ending = endRequested(given.watchParent)
  // Set before the engine makes its threads, which inherit it.
  setPriority(given.niceness)
  const engine = await Engine.open(loadAddon(), given.dir)
  // The engine takes the name of a table that does not exist for a file of the working directory, so that directory has
  // no files.
  const nowhere = join(given.dir, 'nowhere')
  mkdirSync(nowhere, { recursive: true })
  process.chdir(nowhere)
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? THREADS_DEFAULT)
  const sessions = new Sessions(engine)
  const spool = await Spool.open(given.dir)
  const parts = {
    engine,
    spool,
    sessions,
    admission: new Admission(threads),
    gate: new Gate(engine, given.extraEngines),
    queryIds: new Set<string>(),
  }
  const server = new Server(parts, given.password)
  await server.listen(given.host, given.port)
  console.log(
    JSON.stringify({ ready: true, url: `http://${given.host}:${given.port}`, version: engine.version }),
  )
  const brokenPart = await Promise.race([ending, server.broken])
  if (brokenPart !== undefined) console.error(`${brokenPart}\nThe next start sets this part aside.`)
  if (!(await server.stop())) {
    // A regular exit would wait for the statement. What was not acknowledged is promised to no client.
    console.error('A statement did not end in the time it had: killed.')
    process.kill(process.pid, 'SIGKILL')
  }
  sessions.close()
  engine.close()
  process.exit(brokenPart === undefined ? 0 : 1)
}

const given = readArguments()
try {
  await run(given)
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    fail(
      1,
      `Port ${given.port} on ${given.host} is taken by another process. Stop it, or choose another port.`,
    )
  }
  fail(1, error instanceof DirectoryInUse ? message : `The local ClickHouse did not start: ${message}`)
}
