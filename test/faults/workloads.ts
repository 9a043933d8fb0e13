import { fleetWork } from './fleet/fleet-work.ts'
import type { Workload } from './harness/workload.ts'

/** Pipelines beside usage, whose events and accounts every run has. Each pipeline is a row here. */
export const WORKLOADS: readonly Workload[] = [fleetWork]
