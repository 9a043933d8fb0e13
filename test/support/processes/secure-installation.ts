import type { Principal } from '../../../schemas/rights.ts'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { systemClock } from '../../../pipelines/clock.ts'
import { withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import type { KafkaOptions } from '../../../pipelines/kafka/kafkajs/client.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { loadConfig } from '../../../services/runtime/config.ts'
import { kafkaOf } from '../../../services/runtime/kafka.ts'
import { HttpsFront } from '../servers/https-front.ts'
import { Installation } from './installation.ts'
import type { CommandEnd } from './installation.ts'
import type { Proof, SecureKafka } from '../servers/secure-kafka.ts'
import { startService } from './service-process.ts'
import type { ServiceProcess } from './service-process.ts'
import { SERVICE_NAMES } from '../../../schemas/services.ts'
import type { ServiceName } from '../../../schemas/services.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ConfigResourceTypes, ResourcePatternTypes } =
  kafkajs

const COMMAND_MS = 180_000

/** Five services, each of which authenticates at a broker that checks every request. */
const READY_MS = 180_000

/** Principals authenticate in different ways, so that every way carries real work; the first where none is named. */
const PROOF: Proof = 'SCRAM-SHA-512'
const PROOFS: Partial<Record<Principal, Proof>> = {
  aggregator: 'OAUTHBEARER',
  settler: 'certificate',
  loader: 'SCRAM-SHA-256',
  reader: 'PLAIN',
  keys: 'PLAIN',
  replay: 'SCRAM-SHA-256',
  verify: 'OAUTHBEARER',
}

/** A right on a topic that one principal has. */
export type Taken = readonly [who: Principal, topic: string, operation: 'Read' | 'Write']

/** An installation in which every process has a principal of its own, and which reaches ClickHouse over https alone. */
export class SecureInstallation implements AsyncDisposable {
  readonly installation: Installation
  readonly dir: string
  readonly #kafka: SecureKafka
  readonly #cleanup: AsyncDisposableStack
  readonly #services = new Map<ServiceName, ServiceProcess>()
  readonly #outputs: string[] = []
  #key = ''

  private constructor(
    kafka: SecureKafka,
    installation: Installation,
    dir: string,
    cleanup: AsyncDisposableStack,
  ) {
    this.#kafka = kafka
    this.installation = installation
    this.dir = dir
    this.#cleanup = cleanup
  }

  static async open(kafka: SecureKafka): Promise<SecureInstallation> {
    const cleanup = new AsyncDisposableStack()
    const dir = mkdtempSync(join(tmpdir(), 'hivemeter-test-'))
    cleanup.defer(() => rmSync(dir, { recursive: true, force: true }))
    const target = process.env['HIVEMETER_CLICKHOUSE_URL'] ?? ''
    const front = await HttpsFront.start(target, kafka.authority.sign('clickhouse'))
    cleanup.defer(() => front.stop())
    const installation = new Installation({ name: 'secure', brokers: [kafka.plainBroker] }, dir)
    cleanup.defer(() => installation.dispose())
    Object.assign(installation.environment, {
      HIVEMETER_CLICKHOUSE_URL: `https://localhost:${front.port}`,
      HIVEMETER_CLICKHOUSE_CA_FILE: kafka.authority.certificate,
    })
    return new SecureInstallation(kafka, installation, dir, cleanup)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#services.values()].map((service) => service.kill()))
    await this.#cleanup.disposeAsync()
  }

  settingsOf(who: Principal): Record<string, string> {
    const settings = this.#kafka.settingsOf(`hivemeter-${who}`, PROOFS[who] ?? PROOF)
    return { ...settings, HIVEMETER_ACCESS: 'required' }
  }

  /** Kafka with the rights of this principal. */
  kafkaAs(who: Principal): KafkaOptions {
    return kafkaOf(loadConfig({ environment: this.settingsOf(who) }), `test-${who}`, silentLogger)
  }

  /** Runs a command as the command's own principal. */
  async command(who: Principal, ...args: string[]): Promise<CommandEnd> {
    const end = await this.installation.command(who, args, COMMAND_MS, this.settingsOf(who))
    this.#outputs.push(end.output)
    return end
  }

  /** The same, and it must end with 0; resolves with its output. */
  async run(who: Principal, ...args: string[]): Promise<string> {
    const { exitCode, output } = await this.command(who, ...args)
    assert.equal(exitCode, 0, output)
    return output
  }

  /** `migrate --acls --apply`, by the principal that may do everything. */
  async grant(): Promise<CommandEnd> {
    const admin = this.#kafka.settingsOf('admin', 'SCRAM-SHA-512')
    return await this.installation.command('migrate', ['--acls', '--apply'], COMMAND_MS, admin)
  }

  async revoke(taken: readonly Taken[]): Promise<void> {
    await withAdmin(this.installation.kafka, async (admin) => {
      await admin.deleteAcls({
        filters: taken.map(([who, resourceName, operation]) => ({
          principal: `User:hivemeter-${who}`,
          resourceName,
          resourceType: AclResourceTypes.TOPIC,
          resourcePatternType: ResourcePatternTypes.LITERAL,
          operation: operation === 'Read' ? AclOperationTypes.READ : AclOperationTypes.WRITE,
          permissionType: AclPermissionTypes.ALLOW,
        })),
      })
    })
  }

  /** Removes from every topic the settings that the guarantee needs. */
  async spoilTopics(): Promise<void> {
    const { kafka, topics } = this.installation
    const configEntries = [{ name: 'max.message.bytes', value: '1000' }]
    const type = ConfigResourceTypes.TOPIC
    await withAdmin(kafka, async (admin) => {
      await admin.alterConfigs({
        validateOnly: false,
        resources: Object.values(topics).map((name) => ({ type, name, configEntries })),
      })
    })
  }

  /** Makes the admin key that `ask` uses. */
  async makeKey(): Promise<void> {
    const output = await this.run('keys', 'create', '--client', 'test', '--scopes', 'admin')
    this.#key = output.split('\n')[1] ?? ''
  }

  /** Starts the services that do not run yet; resolves when all are ready. */
  async startServices(): Promise<void> {
    await Promise.all(
      SERVICE_NAMES.map(async (name) => {
        if (this.#services.get(name)?.ended === undefined && this.#services.has(name)) return
        this.#services.set(
          name,
          await startService(this.installation, name, { settings: this.settingsOf(name) }),
        )
      }),
    )
    await Promise.all([...this.#services.values()].map((service) => service.ready(READY_MS)))
  }

  service(name: ServiceName): ServiceProcess {
    const service = this.#services.get(name)
    assert(service !== undefined, `${name} was not started`)
    return service
  }

  async stopServices(): Promise<void> {
    await Promise.all([...this.#services.values()].map((service) => service.stop()))
  }

  /** Sends a GET, or a POST of `body`, with the key. */
  async ask(
    name: 'gateway' | 'reader',
    path: string,
    body?: object,
    method = 'POST',
  ): Promise<{ status: number; text: string }> {
    const headers = { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' }
    const posted = body === undefined ? {} : { method, body: JSON.stringify(body) }
    const answer = await fetch(`${this.service(name).url}${path}`, { headers, ...posted })
    return { status: answer.status, text: await answer.text() }
  }

  /** Sends an event that costs 29 Spark; resolves with the gateway's status. */
  async send(eventId: string): Promise<number> {
    const { status } = await this.ask('gateway', '/v1/events', {
      event_id: eventId,
      node_id: 'secure-node',
      model_id: 'gpt-4.1',
      task_source: 'hive',
      occurred_at: systemClock.nowMs(),
      tokens_in: 10,
      tokens_out: 10,
      actual_usd_cost: '0.29',
    })
    return status
  }

  /** Sends a heartbeat; resolves with the gateway's status. */
  async beat(): Promise<number> {
    const heartbeat = { heartbeat_id: randomUUID(), node_id: 'secure-node', sent_at: systemClock.nowMs() }
    return (await this.ask('gateway', '/v1/heartbeats', heartbeat)).status
  }

  /** The whole output of its processes: of commands all of it, of services as far as it is kept. */
  allWords(): string {
    return [...this.#outputs, ...[...this.#services.values()].map(({ lastWords }) => lastWords)].join('\n')
  }
}
