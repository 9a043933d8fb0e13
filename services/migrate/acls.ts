import { grantAcls } from '../../pipelines/kafka/kafkajs/acls.ts'
import { withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { PRINCIPAL_PATTERN, aclsOf } from '../../schemas/rights.ts'
import type { Acl } from '../../schemas/rights.ts'
import type { Config } from '../runtime/config.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { reach } from './topics.ts'

export interface AclsRequest {
  /** False: the rights are shown, and Kafka is not contacted. */
  readonly apply: boolean
  /** The names of the principals, with `{service}` in them; `User:hivemeter-{service}` unless given. */
  readonly principalPattern: string | undefined
  readonly say: (line: string) => void
}

/** Shows the rights that the services need in Kafka, or grants those that are missing. */
export async function acls(config: Config, { apply, principalPattern, say }: AclsRequest): Promise<void> {
  const pattern = principalPattern ?? PRINCIPAL_PATTERN
  if (!/^\w+:.*\{service\}/.test(pattern)) {
    throw new ExitError(
      EXIT.usage,
      `--principal-pattern is like ${PRINCIPAL_PATTERN} or User:CN={service},O=Example; "${pattern}" is not.`,
    )
  }
  const wanted = aclsOf(config.topicPrefix, pattern)
  if (!apply) {
    for (const line of linesOf(wanted)) say(line)
    return say(`${wanted.length} rights. --apply grants those that are missing; nothing was changed.`)
  }
  const { granted, beside } = await reach(config, () =>
    withAdmin(kafkaOf(config, 'hivemeter-migrate', silentLogger), (admin) => grantAcls(admin, wanted)),
  )
  for (const line of linesOf(granted)) say(line)
  say(`Rights: ${granted.length === 0 ? 'all there' : `granted ${granted.length} of ${wanted.length}`}.`)
  for (const line of beside) say(`Not needed: ${line}. Take it away with kafka-acls.sh --remove.`)
}

function linesOf(rights: readonly Acl[]): string[] {
  const width = Math.max(0, ...rights.map(({ principal }) => principal.length))
  return rights.map(
    ({ principal, resource, name, pattern, operation }) =>
      `${principal.padEnd(width)}  ${operation.padEnd(15)}  ${resource.padEnd(15)}  ${pattern.padEnd(8)}  ${name}`,
  )
}
