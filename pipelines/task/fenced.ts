const FENCED_TYPES = new Set<unknown>([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
])

/** Whether the broker refused this producer's epoch: because of another owner, or of the coordinator after a timeout. */
export function isFenced(error: unknown): boolean {
  return error instanceof Error && 'type' in error && FENCED_TYPES.has(error.type)
}
