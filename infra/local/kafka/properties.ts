/** What server.properties needs to know. */
export interface KafkaPlace {
  readonly port: number
  readonly controllerPort: number
  readonly logDir: string
}

/** server.properties of the local broker: one KRaft node that is both broker and controller. */
export function serverProperties(place: KafkaPlace): string {
  const { port, controllerPort, logDir } = place
  return `process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters=1@127.0.0.1:${controllerPort}
log.dirs=${logDir}

# One node holds the only copy; without the min.isr lines no transaction ever starts.
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
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

# After kill -9 the broker waits for its former self to time out before it may register again (default 9 s).
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000

# By size, not by time: a laptop may sleep for weeks.
log.retention.ms=-1
log.retention.bytes=536870912
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=33554432
log.cleaner.backoff.ms=5000
offsets.retention.minutes=525600

num.network.threads=2
num.io.threads=4
`
}
