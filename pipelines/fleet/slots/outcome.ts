/**
 * What a sample came to against the slots of its worker. `counted`: it stands for an open slot until a newer one of the
 * slot does. `late`: it filled a part of a hole, or is the nearest reading before one. The others changed nothing:
 * `covered`, its slot has what counts; `bridged_over`, it was missing when its slot settled as bridged (remembered for 32
 * minutes, `covered` after that); `repeat`, a sample of that time is known; `shadow`, it came after its slot settled, and
 * another node holds the worker; `refused`, it is ahead of log time; `quarantined`, it is older than late data may be.
 */
export type Outcome =
  | 'counted'
  | 'late'
  | 'covered'
  | 'bridged_over'
  | 'repeat'
  | 'shadow'
  | 'refused'
  | 'quarantined'
