/** The value of one record as it grows: an event that is added stands in it at once, encoded. */
export interface Pack<Event> {
  /** How many are in it. */
  readonly events: number
  /** Bytes that the value has if it ends here. */
  readonly sizeBytes: number
  /** False where the event does not fit any more, and has left no trace; an empty pack holds any event. */
  add(event: Event): boolean
  /** The framed value; nothing is added after that. */
  finish(): Buffer
}

/**
 * How the events of one input topic become its records: what a pipeline brings to the queue, beside its route. Both are
 * methods of one object, and the events of all packers go through one loop that reads nothing of an event itself: it
 * costs an event two calls, and allocates nothing.
 */
export interface Packer<Event> {
  /** The node that the event is of. Its partition is the event's. */
  nodeOf(event: Event): string
  /** A record that holds nothing yet. */
  begin(): Pack<Event>
}
