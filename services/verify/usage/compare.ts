import { partitionOfNode } from '../../../schemas/ids.ts'
import type { AggregatorTask } from '../../../schemas/records.ts'
import { rulesAt } from '../../../schemas/since.ts'
import { USAGE_BOUNDS } from '../../../schemas/usage.ts'
import { compareDeadLetters } from '../dead-letters.ts'
import type { SetAside } from '../dead-letters.ts'
import type { Differences } from '../differences.ts'
import { isBefore } from '../hand-over.ts'
import { NODE_SUM_COLUMNS, NodeTotalSums } from '../node-totals.ts'
import type { HandedOver } from './handed-over.ts'
import type { Logs, Range } from '../logs.ts'
import { VersionSpans } from './model-tables.ts'
import type { ModelVersions } from './model-tables.ts'
import type { SentOn } from './sent-on.ts'
import type { SourceRecord } from '../source.ts'
import type { BlocksBelow, Tables } from '../tables.ts'
import type { Undecided } from '../undecided.ts'
import { identityName } from './identity.ts'
import { UsageModel } from './model.ts'
import type { CountedEvent } from './model.ts'
import { compareSetAside, shownToNodes } from './set-aside.ts'
import { eventKey, eventRow } from './rows.ts'
import { WINDOW_TABLES, WindowSums, addEvent } from './sums.ts'
import type { UsageTables } from './tables.ts'
import type { UsageBegin } from './version-end.ts'

/** The first rules by which an event without a cost uses up its reservation. */
const USES_UP = 2

/** The first rules by which rows name a version of the installation's own table of models. */
const OWN_VERSIONS = 3

/** Events whose rows are compared with one query. */
const CHUNK_EVENTS = 20_000

/** ClickHouse forgets raw events after 50 days and minutes after 45: rows that are about to expire are not compared. */
const DAY_MS = 86_400_000
const EVENTS_KEPT_MS = 49 * DAY_MS

export interface UsageParts {
  readonly logs: Logs
  readonly tables: Tables
  readonly rows: UsageTables
  readonly differences: Differences
  readonly signal: AbortSignal
  readonly nowMs: number
  readonly partition: number
  readonly partitions: number
  readonly begin: UsageBegin | null
  readonly undecided: Undecided
  /** See `UsageModelOptions`. */
  readonly notSentOn: Undecided
  readonly sentOn: SentOn
  readonly idKey: () => Buffer
  readonly models: ModelVersions
}

/** What usage.metered adds up to, for the comparisons that follow. */
export interface UsageResult {
  readonly windows: readonly WindowSums[]
  /** Windows that start earlier are partial: some of their events are no longer in any log. */
  readonly wholeFromMs: number
  readonly costs: number
  /** Receipt of the oldest record that is left. */
  readonly startMs: number | null
  /** What was accepted, by identity. */
  readonly contents: ReadonlyMap<string, string>
}

/** Compares usage_events, dead_letters and account.inbox with one partition of usage.metered. */
export async function compareUsage(
  parts: UsageParts,
  range: Range,
  task: AggregatorTask,
  handedOver: HandedOver,
): Promise<UsageResult> {
  const blocks = blocksOf(parts, task)
  const spans = await versionSpans(parts, blocks, task)
  const comparison = new UsageComparison(parts, range, task, handedOver, spans)
  const to = BigInt(task.position)
  for await (const record of parts.logs.read('usageMetered', parts.partition, { to })) {
    parts.signal.throwIfAborted()
    await comparison.take(record)
  }
  return await comparison.finish(to)
}

function blocksOf({ logs, partition }: UsageParts, task: AggregatorTask): BlocksBelow {
  return { topic: logs.topics.usageBlocks, partition, seqBelow: task.next_seq }
}

/** The versions of the table of models by which the events were judged, according to their rows; a version never falls. */
async function versionSpans(
  { rows, differences, models }: UsageParts,
  blocks: BlocksBelow,
  task: AggregatorTask,
): Promise<VersionSpans> {
  const own = task.since.find(({ rules }) => rules >= OWN_VERSIONS)
  const found = own === undefined ? [] : await rows.modelVersions(blocks, BigInt(own.offset))
  await models.need(found.map(({ version }) => version))
  const spans = new VersionSpans(found, task.models_version)
  for (const problem of spans.problems((version) => models.has(version)))
    differences.extraRow('usage_events', `partition ${blocks.partition}, models_version: ${problem}`)
  return spans
}

class UsageComparison {
  readonly #parts: UsageParts
  readonly #range: Range
  readonly #task: AggregatorTask
  readonly #handedOver: HandedOver
  readonly #blocks: BlocksBelow
  readonly #model: UsageModel
  readonly #windows = WINDOW_TABLES.map(({ sizeMs }) => new WindowSums(sizeMs))
  readonly #totals = new NodeTotalSums()
  readonly #operators = new Map<string, string>()
  #counted: CountedEvent[] = []
  #setAside: SetAside[] = []
  #chunkFrom: bigint
  #startMs: number | null = null
  #costs = 0

  constructor(
    parts: UsageParts,
    range: Range,
    task: AggregatorTask,
    handedOver: HandedOver,
    spans: VersionSpans,
  ) {
    this.#parts = parts
    this.#range = range
    this.#task = task
    this.#handedOver = handedOver
    this.#chunkFrom = range.start
    this.#blocks = blocksOf(parts, task)
    // A whole log holds its models itself; one that was cut is assumed to have begun with those of its end.
    const isWhole = range.start === 0n
    const { begin } = parts
    this.#model = new UsageModel({
      partition: parts.partition,
      partitions: parts.partitions,
      models: isWhole ? (begin?.models ?? []) : task.models,
      modelsVersion: isWhole ? (begin?.modelsVersion ?? 0) : task.models_version,
      versionAt: (offset) => spans.at(offset),
      factsOf: (version, modelId) => parts.models.factsOf(version, modelId),
      watermarkMs: begin?.watermarkMs ?? 0,
      before: begin?.contents ?? new Map(),
      endOffset: task.ended ? BigInt(task.position) - 1n : null,
      undecided: parts.undecided,
      notSentOn: parts.notSentOn,
      since: task.since,
      textsUntilMs: task.texts_until,
      topic: parts.logs.topics.usageMetered,
      idKey: parts.idKey,
    })
  }

  /** Events before this time may have been counted from records that are gone. */
  get #doubtfulBeforeMs(): number {
    if (this.#range.start === 0n || this.#startMs === null) return Number.NEGATIVE_INFINITY
    return this.#startMs + USAGE_BOUNDS.aheadMsMax + USAGE_BOUNDS.taskSlackMs
  }

  get #olderBeforeMs(): number {
    if (this.#parts.begin === null || this.#startMs === null) return Number.NEGATIVE_INFINITY
    return this.#startMs + USAGE_BOUNDS.aheadMsMax + USAGE_BOUNDS.taskSlackMs
  }

  async take(record: SourceRecord): Promise<void> {
    this.#startMs ??= record.timestampMs
    const { counted, setAside, sentOn, copies } = this.#model.apply(record)
    for (const event of sentOn) this.#parts.sentOn.expect(this.#parts.partition, event)
    this.#parts.sentOn.found(copies)
    this.#counted.push(...counted)
    if (setAside !== null) {
      this.#setAside.push(setAside)
      this.#addSetAside(setAside)
    }
    if (this.#counted.length + this.#setAside.length >= CHUNK_EVENTS) {
      await this.#compareChunk(record.offset + 1n)
    }
  }

  async finish(to: bigint): Promise<UsageResult> {
    await this.#compareChunk(to)
    this.#compareWatermark()
    this.#compareHandOver()
    this.#parts.sentOn.read(this.#parts.partition, this.#range, to, this.#startMs)
    return {
      windows: this.#windows,
      wholeFromMs: this.#doubtfulBeforeMs,
      costs: this.#costs,
      startMs: this.#startMs,
      contents: this.#model.contents,
    }
  }

  async #compareChunk(to: bigint): Promise<void> {
    const { tables, differences, nowMs, logs } = this.#parts
    const counted = await this.#withoutRepeatsOfDeletedRecords(this.#counted)
    const setAside = this.#setAside
    const from = this.#chunkFrom
    this.#counted = []
    this.#setAside = []
    this.#chunkFrom = to
    for (const event of counted) this.#addUp(event)

    const oldestMs = nowMs - EVENTS_KEPT_MS
    const kept = counted.filter(({ event }) => event.occurred_at >= oldestMs)
    const rows = await this.#parts.rows.events(this.#blocks, from, to, oldestMs)
    await differences.compareRows(
      'usage_events',
      new Map(kept.map((event) => [this.#eventKey(event.record.offset, event.index), eventRow(event)])),
      rows.map((row) => [this.#eventKey(String(row['record_offset']), String(row['record_index'])), row]),
    )
    const source = logs.topics.usageMetered
    const letters = await tables.deadLetters(this.#blocks, source, from, to)
    await compareDeadLetters(differences, source, this.#parts.partition, setAside, letters)
    const shown = await this.#parts.rows.setAside(this.#blocks, from, to)
    await compareSetAside(differences, this.#parts.partition, setAside, this.#task.since, shown)
  }

  #eventKey(offset: bigint | string, index: number | string): string {
    return `partition ${this.#parts.partition} ${eventKey(offset, index)}`
  }

  /** In a log that was cut, an event that looks new may be a repeat of a first copy that only the raw table still has. */
  async #withoutRepeatsOfDeletedRecords(counted: CountedEvent[]): Promise<CountedEvent[]> {
    const { rows, begin } = this.#parts
    const doubtful = counted.filter(({ event }) => event.occurred_at < this.#doubtfulBeforeMs)
    const known = new Set<string>()
    const idsOf = (events: readonly CountedEvent[]) =>
      events.flatMap((counted) => this.#namesOf(counted).map((name) => name.slice(name.lastIndexOf(' ') + 1)))
    if (doubtful.length > 0) {
      const before = await rows.countedBefore(this.#blocks, this.#range.start, idsOf(doubtful))
      for (const identity of before) known.add(identity)
    }
    // The log of an older version may be gone, with what it took; no event can be accepted so far ahead of its time.
    const ofOlder = counted.filter(({ event }) => event.occurred_at < this.#olderBeforeMs)
    if (begin !== null && ofOlder.length > 0) {
      for (const identity of await rows.countedIn(begin.blocksTopics, idsOf(ofOlder))) known.add(identity)
    }
    return known.size === 0
      ? counted
      : counted.filter((event) => !this.#namesOf(event).some((name) => known.has(name)))
  }

  /** The names under which an event may have been counted: its own and, for a text, that of the rules before. */
  #namesOf({ event, identity }: CountedEvent): string[] {
    const before = this.#model.beforeOf(event, identity)
    const own = identityName(event.node_id, identity)
    return before === null ? [own] : [own, before]
  }

  /** Nodes of other partitions have no account here. */
  #addSetAside(letter: SetAside): void {
    const { from } = this.#handedOver
    if (from === null) return
    for (const [index, nodeId] of shownToNodes(letter, this.#task.since)) {
      if (isBefore({ offset: Number(letter.record.offset), index }, from)) continue
      if (partitionOfNode(nodeId, this.#parts.partitions) === this.#parts.partition)
        this.#totals.addSetAside(nodeId)
    }
  }

  #addUp(counted: CountedEvent): void {
    const { event, record, index } = counted
    for (const windows of this.#windows) windows.add(counted)
    const place = { offset: Number(record.offset), index }
    const { from } = this.#handedOver
    if (from === null || isBefore(place, from)) return
    addEvent(this.#totals, counted)
    if (event.operator_id !== null && !this.#operators.has(event.node_id)) {
      this.#operators.set(event.node_id, event.operator_id)
    }
    const costNanoUsd = event.task_source === 'own' ? 0 : event.cost_nano_usd
    const isNewer = rulesAt(this.#task.since, record.offset) >= USES_UP
    const usesUp = event.reservation_id !== null && isNewer
    if (costNanoUsd === 0 && !usesUp) return
    if (costNanoUsd > 0) this.#costs += 1
    const identity = identityName(event.node_id, counted.identity)
    const key = `${identity} (record ${record.offset} event ${index})`
    const handed = this.#handedOver.costs.get(identity)
    this.#handedOver.costs.delete(identity)
    const inRange = handed !== undefined && !isBefore(place, handed.from) && isBefore(place, handed.to)
    this.#parts.differences.compareRow(
      this.#parts.logs.topics.accountInbox,
      key,
      {
        task_source: event.task_source,
        occurred_at: event.occurred_at,
        cost_nano_usd: costNanoUsd,
        reservation_id: event.reservation_id,
        received_at: isNewer ? counted.receiptMs : event.occurred_at,
        in_its_range: true,
      },
      handed === undefined ? undefined : { ...handed.row, in_its_range: inRange },
    )
  }

  #compareWatermark(): void {
    const { differences, logs } = this.#parts
    const expected = { watermark: this.#model.watermarkMs }
    const found = { watermark: this.#task.watermark }
    if (this.#startMs === null) return
    differences.compareRow(
      logs.topics.usageIds,
      `!task of partition ${this.#parts.partition}`,
      expected,
      found,
    )
  }

  /** What the inbox holds in addition to the costs just compared: costs without an event, the sums, and the operators. */
  #compareHandOver(): void {
    const { differences, logs } = this.#parts
    const { costs, totals, operators, from } = this.#handedOver
    if (from === null) return
    const table = logs.topics.accountInbox
    for (const identity of costs.keys()) differences.extraRow(table, identity)
    for (const nodeId of new Set([...totals.nodes.keys(), ...this.#totals.nodes.keys()])) {
      const expected = this.#totals.nodes.get(nodeId)
      const found = totals.nodes.get(nodeId)
      const none = Object.fromEntries(NODE_SUM_COLUMNS.map((column) => [column, 0n]))
      differences.compareRow(table, `${nodeId} (sums)`, expected ?? none, found ?? none)
      // The first operator cannot be known where earlier events are gone.
      if (from.offset !== 0) continue
      differences.compareRow(
        table,
        nodeId,
        { operator_id: this.#operators.get(nodeId) ?? null },
        { operator_id: operators.get(nodeId) ?? null },
      )
    }
  }
}
