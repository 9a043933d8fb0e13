import { NOTHING_MET } from '../../harness/fault.ts'
import type { Fault } from '../../harness/fault.ts'
import { describeOverload, measureOverload, overloadOn, problemsOf } from '../../usage/overload.ts'

/** Three times what the gateways take, for half a minute: they refuse early, and still take no less. */
export const overload: Fault = {
  name: 'overload',
  lanes: ['world'],
  strike: async (context) => {
    const measured = await measureOverload(context, overloadOn(context.fleet.kafka.brokers.length))
    context.say(describeOverload(measured))
    const problems = problemsOf(measured)
    if (problems.length > 0) throw new Error(problems.join('; '))
    return NOTHING_MET
  },
}
