import { EXIT, ExitError } from './exit.ts'
import { checkTopics, TopicsMissing } from './migrate/topics.ts'
import type { RunningService, ServiceParts } from './process.ts'

/** How long a server waits before it asks again of topics that it could not look at. */
const RETRY_PAUSE_MS = 1_000

type Start = (parts: ServiceParts) => Promise<RunningService>

/** Nothing is decided or loaded on topics that do not hold what the guarantee needs: the start ends with 78 first. */
export function afterTopicCheck(start: Start): Start {
  return async (parts) => {
    await checkTopics(parts.config, parts.service)
    return await start(parts)
  }
}

/**
 * A server answers also while Kafka is away, or nobody has made the topics: they are looked at beside it, as soon as they
 * are there, and what differs ends it with 78.
 */
export function besideTopicCheck(start: Start): Start {
  return async (parts) => {
    const service = await start(parts)
    return { ...service, failed: Promise.race([service.failed, refused(parts)]) }
  }
}

async function refused({ service, config, clock, logger, signal }: ServiceParts): Promise<Error> {
  while (!signal.aborted) {
    try {
      await checkTopics(config, service)
      break
    } catch (error) {
      const isAway = error instanceof ExitError && error.exitCode === EXIT.unreachable
      if (!isAway && !(error instanceof TopicsMissing)) {
        return error instanceof Error ? error : new Error('The topics cannot be checked.', { cause: error })
      }
      logger.debug({ err: error }, 'the topics cannot be checked yet; tried again every second')
      await clock.delay(RETRY_PAUSE_MS, signal)
    }
  }
  return await new Promise<never>(() => {})
}
