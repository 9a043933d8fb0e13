import type { Fault } from '../harness/fault.ts'
import { cutOffFromClients, cutOffFromPeers, cutOffOneWay } from './brokers/broker-cut-off.ts'
import { anotherPartitioner } from './records/another-partitioner.ts'
import { brokerFrozen130, brokerFrozen25, brokerFrozen75 } from './brokers/broker-frozen.ts'
import {
  controllingBrokerKilled,
  coordinatingBrokerKilled,
  leadingBrokerKilled,
} from './brokers/broker-killed.ts'
import {
  brokerReplaced,
  brokersRestartedInTurn,
  insyncShrunkToOne,
  twoBrokersDown,
} from './brokers/brokers-few.ts'
import { commitHeld } from './commit-held-past-the-next-begin.ts'
import { undecidableEvent } from './records/undecidable-event.ts'
import { connectionsDelayed, connectionsReset, repliesCut } from './connections.ts'
import {
  freeze,
  freezeAfterLook,
  freezeAfterSend,
  freezeBeforeInsert,
} from './freeze-while-another-takes-over.ts'
import { kafkaFrozen, kafkaKilled, kafkaRestarted } from './brokers/kafka-broker.ts'
import { killAfterFence } from './kill-after-fence.ts'
import {
  killAfterCommit,
  killAfterInsert,
  killAfterSend,
  killBeforeInsert,
  killBeforeOffsetCommit,
  killDuringCommit,
  killDuringInsert,
} from './kill-at-failpoint.ts'
import { killAtRandom } from './kill-at-random.ts'
import { killUnnoticed } from './kill-unnoticed.ts'
import { commitAnswerLost, produceAnswerLost } from './lost-answers.ts'
import { sameTransactionalIdTwice } from './same-transactional-id-twice.ts'
import { terminate } from './terminate.ts'
import { threeQuickCrashes } from './three-quick-crashes.ts'
import {
  clickhouseDown,
  clickhouseFrozen,
  clickhouseKilledInInsert,
  clickhouseSlow,
  diskFull,
} from './clickhouse-server.ts'
import { consumersStartLate, groupsDeleted, groupsReset } from './consumer-groups.ts'
import { foreignBatches } from './records/foreign-batches.ts'
import { insertAnswerLost, insertHeldLoaderFrozen, insertHeldLoaderKilled } from './inserts.ts'
import { manyRecordsInOneBatch, manyRecordsInOneFetch } from './records/many-records-in-one-fetch.ts'
import { overload } from './records/overload.ts'
import { phantomToken } from './phantom-token.ts'
import { fuzzedRecords } from './records/fuzzed-records.ts'
import { poisonRecords } from './records/poison-records.ts'
import { rebalanceStorm } from './rebalance-storm.ts'
import { wallClockWrong } from './wall-clock.ts'
import { zeroKeysAborted } from './records/zero-keys-in-an-aborted-transaction.ts'

/** Every kind of fault that a run can inject. */
export const FAULTS: readonly Fault[] = [
  killAtRandom,
  killUnnoticed,
  terminate,
  killAfterFence,
  killAfterSend,
  killDuringCommit,
  killAfterCommit,
  killBeforeInsert,
  killDuringInsert,
  killAfterInsert,
  killBeforeOffsetCommit,
  threeQuickCrashes,
  freeze,
  freezeAfterSend,
  freezeAfterLook,
  freezeBeforeInsert,
  sameTransactionalIdTwice,
  connectionsReset,
  connectionsDelayed,
  repliesCut,
  commitAnswerLost,
  produceAnswerLost,
  commitHeld,
  kafkaKilled,
  kafkaRestarted,
  kafkaFrozen,
  clickhouseKilledInInsert,
  clickhouseDown,
  clickhouseFrozen,
  clickhouseSlow,
  diskFull,
  phantomToken,
  insertAnswerLost,
  insertHeldLoaderKilled,
  insertHeldLoaderFrozen,
  groupsDeleted,
  groupsReset,
  consumersStartLate,
  rebalanceStorm,
  wallClockWrong,
  poisonRecords,
  fuzzedRecords,
  undecidableEvent,
  anotherPartitioner,
  foreignBatches,
  manyRecordsInOneBatch,
  manyRecordsInOneFetch,
  zeroKeysAborted,
  overload,
  leadingBrokerKilled,
  controllingBrokerKilled,
  coordinatingBrokerKilled,
  brokersRestartedInTurn,
  brokerFrozen25,
  brokerFrozen75,
  brokerFrozen130,
  cutOffFromPeers,
  cutOffFromClients,
  cutOffOneWay,
  twoBrokersDown,
  insyncShrunkToOne,
  brokerReplaced,
]
