import type { DecidePoint, Failpoint } from '../../../pipelines/failpoints.ts'
import { startAggregator } from '../../../services/aggregator/start.ts'
import { startFleet } from '../../../services/fleet/start.ts'
import { startGateway } from '../../../services/gateway/start.ts'
import { startLoader } from '../../../services/loader/start.ts'
import { followingLayout } from '../../../services/runtime/follow-layout.ts'
import { runService } from '../../../services/runtime/process.ts'
import type { RunningService, ServiceParts } from '../../../services/runtime/process.ts'
import { startReader } from '../../../services/reader/start.ts'
import { startSettler } from '../../../services/settler/start.ts'
import { HeldPoints } from './held-points.ts'
import type { FromService, ToService } from './messages.ts'
import { shiftWallClock } from './wall-clock.ts'
import type { ServiceName } from '../../../schemas/services.ts'

/**
 * A service as the fault runs start it: the same code as its `main.ts`, and failpoints that the supervisor arms. At an
 * armed failpoint the process announces it and waits; the supervisor decides whether it then dies, freezes or goes on.
 */
const STARTS: Readonly<Record<ServiceName, (parts: ServiceParts) => Promise<RunningService>>> = {
  gateway: followingLayout('gateway', startGateway),
  aggregator: followingLayout('aggregator', startAggregator),
  settler: followingLayout('settler', startSettler),
  fleet: followingLayout('fleet', startFleet),
  loader: followingLayout('loader', startLoader),
  reader: followingLayout('reader', startReader),
}

const points = new HeldPoints((name) => process.send?.({ reached: name } satisfies FromService))
const failpoint: Failpoint = (name) => points.reached(name)

let undecidable: ReadonlySet<string> = new Set()

const decidePoint: DecidePoint = (name) => {
  if (undecidable.has(name)) throw new RangeError(`${name} is beyond what a sum can hold`)
}

process.on('message', (message: ToService) => {
  if ('start' in message) {
    for (const name of message.armed) points.arm(name)
    void runService(message.start, STARTS[message.start], { failpoint, decidePoint })
    process.send?.({ begun: true } satisfies FromService)
  } else if ('arm' in message) {
    points.arm(message.arm)
  } else if ('release' in message) {
    points.release()
  } else if ('undecidable' in message) {
    undecidable = new Set(message.undecidable)
  } else {
    shiftWallClock(message.clockOffsetMs)
  }
})
