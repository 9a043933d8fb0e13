import { OwnKafka } from '../../../support/servers/own-kafka.ts'
import { median, runTurn } from '../../harness/turns.ts'
import { dropTopics, makeTopic, topicEnds } from '../../loads/topics.ts'

const [turns = 3, events = 2_000_000] = process.argv.slice(2).map(Number)
const kafka = await OwnKafka.start(26_944, 26_945)
const brokers = [kafka.broker]
let made = 0

/** One turn of a role, on the topic that it is given or on a new one. */
async function play(role, { topic = `spike-${++made}-`, ...job }) {
  await makeTopic({ brokers, topic, partitions: 4 })
  const turn = await runTurn('../peers/platformatic-kafka/contestant.mjs', { role, brokers, topic, ...job })
  if (topic.endsWith('-')) await dropTopics(brokers, topic)
  return turn
}

async function filled(role, job, topic = `spike-read-${++made}`) {
  await play(role, { ...job, topic })
  return { topic, count: (await topicEnds(brokers, topic)).reduce((left, right) => left + right) }
}

const MATCHES = [
  { does: 'writes', count: events, pack: 100 },
  { does: 'writes', count: events },
  { does: 'writes', count: events, pack: 100, compression: 'zstd' },
  { does: 'reads', ...(await filled('ours writes', { count: events, pack: 100 })) },
  { does: 'reads', ...(await filled('ours writes', { count: events })) },
  { does: 'reads', ...(await filled('theirs writes', { count: events, compression: 'zstd' })) },
  { does: 'commits', count: 20 },
  { does: 'commits', count: 500, retryDelay: 10 },
]
for (const { does, ...job } of MATCHES) {
  const ratios = []
  const figures = (turn) => [turn.eventsPerSecond, (turn.cpuSeconds / job.count) * 1e6, turn.rssMb]
  for (let turn = 0; turn < turns; turn++) {
    const ours = figures(await play(`ours ${does}`, job))
    const theirs = figures(await play(`theirs ${does}`, job))
    console.log(does, job, 'a second, CPU-s/M, MB:', ours, theirs)
    ratios.push(theirs.map((figure, at) => figure / ours[at]))
  }
  console.log('theirs ÷ ours:', ...[0, 1, 2].map((at) => median(ratios.map((one) => one[at])).toFixed(2)))
}
for (const role of ['fencing', 'aborted', 'time', 'retry', 'outcomes', 'assigner', 'bomb'])
  console.log(JSON.stringify(await play(role, {})))
await kafka.dispose()
