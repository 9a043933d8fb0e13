import type { EnergySource, TaskSource } from '../../../schemas/usage.ts'

export const EXECUTIONS = ['api', 'local'] as const
export type Execution = (typeof EXECUTIONS)[number]

/** The work that an event reports: everything that a client sends except its id and its node. */
export interface Work {
  readonly operatorId: string | null
  readonly modelId: string
  readonly taskSource: TaskSource
  readonly occurredAtMs: number
  readonly tokensIn: number
  readonly tokensOut: number
  readonly durationMs: number | null
  readonly gpuMs: number | null
  readonly energyMwh: number | null
  readonly energySource: EnergySource
  readonly costNanoUsd: number
  /** The number of calls that it represents. */
  readonly inferences: number
  /** Where it ran, as the client reports it, whatever the table of models says; null where it does not. */
  readonly execution: Execution | null
}

const WORK_FIELDS = [
  'operatorId',
  'modelId',
  'taskSource',
  'occurredAtMs',
  'tokensIn',
  'tokensOut',
  'durationMs',
  'gpuMs',
  'energyMwh',
  'energySource',
  'costNanoUsd',
  'inferences',
  'execution',
] as const satisfies readonly (keyof Work)[]

/** The fields in which two works differ. */
export function differingFields(left: Work, right: Work): (keyof Work)[] {
  return WORK_FIELDS.filter((field) => left[field] !== right[field])
}

/** True for work that is paid: done for others, and it cost something. */
export function isPayable(work: Work): boolean {
  return work.taskSource !== 'own' && work.costNanoUsd > 0
}

/** An id as histories and problems name it: 32 hex digits; for a text the kind comes before them. */
export function idName(kind: string, hex: string): string {
  return kind === 'text' ? `text:${hex}` : hex
}

/** The identity of an event: the node, and the id by its name. */
export function identityOf(nodeId: string, id: string): string {
  return `${nodeId} ${id}`
}
