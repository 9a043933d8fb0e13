import type { FailpointName } from '../../../pipelines/failpoints.ts'
import type { ServiceName } from '../../../schemas/services.ts'

/** What the supervisor of a fault run says to a service's process, over the channel that they share. */
export type ToService =
  /** First of all: which service to be, and the failpoints that are armed from the start. */
  | { readonly start: ServiceName; readonly armed: readonly FailpointName[] }
  /** The next time that the point is reached, say so and wait there. */
  | { readonly arm: FailpointName }
  /** Go on from where you wait, and wait nowhere any more. */
  | { readonly release: true }
  /** From now on these cannot be decided, by the names that decide points are told; and nothing else. */
  | { readonly undecidable: readonly string[] }
  /** Shift the wall clock of this process by so much from now on. */
  | { readonly clockOffsetMs: number }

/** What the process says: it has begun, and ends by itself on a signal from now on; it waits at a failpoint. */
export type FromService = { readonly begun: true } | { readonly reached: FailpointName }
