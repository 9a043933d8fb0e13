import type { Forward } from '../../../pipelines/task/task.ts'

/** For tasks whose input has events of their own partition only. */
export const nothingForwarded: Forward = {
  below: 0n,
  send: () => Promise.reject(new Error('An event of another partition came.')),
}
