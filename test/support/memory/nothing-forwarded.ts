import type { Forward } from '../../../pipelines/task/task.ts'

/** For tasks whose input holds events of their own partition alone. */
export const nothingForwarded: Forward = () =>
  Promise.reject(new Error('An event of another partition came.'))
