/** One node of several, each broker and controller at once. */
export interface KafkaNode {
  readonly nodeId: number
  /** The address at which it listens, and which its peers and clients get. */
  readonly host: string
  /** The same for all: "1@host:port,2@host:port", by controller ports. */
  readonly voters: string
  /** The same for all, 16 bytes as base64url. */
  readonly clusterId: string
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
}

/** The values from which server.properties is made. */
export interface KafkaPlace {
  readonly port: number
  readonly controllerPort: number
  readonly logDir: string
  /** One of several; the only one unless given. */
  readonly node?: KafkaNode
  /** Further lines, by name; they replace those of this file. */
  readonly settings?: Readonly<Record<string, string>>
}

/** server.properties of a KRaft node that is both broker and controller: the local one, or one of several. */
export function serverProperties(place: KafkaPlace): string {
  const { port, controllerPort, logDir, node, settings = {} } = place
  const { nodeId = 1, host = '127.0.0.1', voters = `1@127.0.0.1:${controllerPort}` } = node ?? {}
  const { replicationFactor: copies = 1, minInsyncReplicas: inSync = 1 } = node ?? {}
  const further = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  return `process.roles=broker,controller
node.id=${nodeId}
listeners=PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controllerPort}
advertised.listeners=PLAINTEXT://${host}:${port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters=${voters}
log.dirs=${logDir}

# One node holds the only copy; without the min.isr lines no transaction ever starts.
default.replication.factor=${copies}
min.insync.replicas=${inSync}
offsets.topic.replication.factor=${copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=${copies}
transaction.state.log.min.isr=${inSync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=${copies}
share.coordinator.state.topic.min.isr=${inSync}
share.coordinator.state.topic.num.partitions=1

# A mistyped topic must be an error. Time is the broker's, everywhere: receipt time is the record's LogAppendTime.
auto.create.topics.enable=false
num.partitions=4
log.message.timestamp.type=LogAppendTime
message.max.bytes=8388608
replica.fetch.max.bytes=8388608

# A task that died must not hold its readers up: abort its transaction within its timeout plus a second.
transaction.max.timeout.ms=60000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000

# Nobody is served by the partitions of a dead broker until the controller has missed it for so long (default 9 s), and
# after kill -9 a lone one waits as long for its former self before it may register again.
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
# The end of a transaction waits for every leader of its partitions: a frozen one is left after this (default 30 s).
request.timeout.ms=2000

# By size, not by time: a laptop may sleep for weeks.
log.retention.ms=-1
log.retention.bytes=536870912
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=33554432
log.cleaner.backoff.ms=5000
offsets.retention.minutes=525600

num.network.threads=2
num.io.threads=4
${further.join('')}`
}
