import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../processes/service-process.ts'
import { until } from '../until.ts'

const POM = fileURLToPath(new URL('./zookeeper/pom.xml', import.meta.url))
const JARS_DIR = fileURLToPath(new URL('../../../.hivemeter/zookeeper-jars', import.meta.url))
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000
const READY_TIMEOUT_MS = 20_000
const TICK_MS = 500

/** A real ZooKeeper for one test, of one node: the replicas of a ClickHouse cluster agree through it. */
export class OwnZookeeper {
  readonly port: number
  readonly #dir: string
  readonly #process: ChildProcess

  private constructor(port: number, dir: string, process: ChildProcess) {
    this.port = port
    this.#dir = dir
    this.#process = process
  }

  /** Downloads its jars with Maven once, and starts it on a free port. */
  static async start(): Promise<OwnZookeeper> {
    await ensureJars()
    const dir = await mkdtemp(join(tmpdir(), 'hivemeter-zookeeper-'))
    const port = await freePort()
    const config = join(dir, 'zoo.cfg')
    await writeFile(
      config,
      [
        `tickTime=${TICK_MS}`,
        `dataDir=${join(dir, 'data')}`,
        `clientPort=${port}`,
        'clientPortAddress=127.0.0.1',
        'admin.enableServer=false',
        'maxClientCnxns=0',
      ].join('\n'),
    )
    const options = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(JARS_DIR, '*')]
    const main = 'org.apache.zookeeper.server.ZooKeeperServerMain'
    const server = spawn('java', [...options, main, config], { stdio: 'ignore' })
    const own = new OwnZookeeper(port, dir, server)
    try {
      await until('ZooKeeper to answer', READY_TIMEOUT_MS, () => answers(port))
    } catch (error) {
      await own.dispose()
      throw error
    }
    return own
  }

  /** Ends it and deletes its data. */
  async dispose(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
    await rm(this.#dir, { recursive: true, force: true })
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write('srvr')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return answer.toString().startsWith('Zookeeper version')
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** They are downloaded to a folder beside and renamed when complete. */
async function ensureJars(): Promise<void> {
  const stamp = createHash('sha256')
    .update(await readFile(POM))
    .digest('hex')
  const held = await readFile(join(JARS_DIR, 'stamp'), 'utf8').catch(() => '')
  if (held === stamp) return
  const partial = `${JARS_DIR}.partial-${process.pid}`
  await mkdir(partial, { recursive: true })
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`]
  await promisify(execFile)('mvn', ['-q', '-B', '-f', POM, ...goal], { timeout: DOWNLOAD_TIMEOUT_MS })
  await writeFile(join(partial, 'stamp'), stamp)
  await rm(JARS_DIR, { recursive: true, force: true })
  await rename(partial, JARS_DIR)
}
