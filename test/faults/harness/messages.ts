import type { FailpointName } from '../../../pipelines/failpoints.ts'
import type { ServiceName } from '../../../schemas/services.ts'

/** The messages of the supervisor of a fault run to the process of a service, over the channel that they share. */
export type ToService =
  /** The first message: the service to run, and the failpoints that are armed from the start. */
  | { readonly start: ServiceName; readonly armed: readonly FailpointName[] }
  /** The next time that the point is reached, announce it and wait there. */
  | { readonly arm: FailpointName }
  /** Go on from where you wait, and wait nowhere any more. */
  | { readonly release: true }
  /** From now on exactly these cannot be decided, by the names that decide points get. */
  | { readonly undecidable: readonly string[] }
  /** Shift the wall clock of this process by this much from now on. */
  | { readonly clockOffsetMs: number }

/** The messages of the process: it has begun, and ends by itself on a signal from now on; it waits at a failpoint. */
export type FromService = { readonly begun: true } | { readonly reached: FailpointName }
