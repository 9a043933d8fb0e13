-- What each table and column holds, for whoever looks at them with a tool. Later migrations say it where they make a table or
-- column (DESIGN, section 8).
ALTER TABLE usage_events
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Number of that block in its partition, counted without gaps: how far a partition is loaded',
    COMMENT COLUMN node_id 'Node that did the work',
    COMMENT COLUMN event_id 'Id of the event, once a node',
    COMMENT COLUMN event_text 'The id as it was sent, where that was no UUID and no ULID, else empty',
    COMMENT COLUMN operator_id 'Operator that the event named, empty where it named none',
    COMMENT COLUMN model_id 'Model that was run',
    COMMENT COLUMN task_source 'For whom: own is the operator, hive the network, idle nobody',
    COMMENT COLUMN occurred_at 'When the work was done, as its sender says, UTC',
    COMMENT COLUMN received_at 'When the log took the record (LogAppendTime), UTC',
    COMMENT COLUMN record_offset 'Offset of the record in usage.metered',
    COMMENT COLUMN record_index 'Place of the event within the record',
    COMMENT COLUMN tokens_in 'Tokens read',
    COMMENT COLUMN tokens_out 'Tokens written',
    COMMENT COLUMN duration_ms 'Time of the task, ms, NULL where it was not said',
    COMMENT COLUMN gpu_ms 'GPU time as it was given, ms, NULL where it was not',
    COMMENT COLUMN gpu_ms_estimated 'GPU time where none was given, ms: one second a thousand tokens, else 0',
    COMMENT COLUMN energy_mwh 'Energy as it was given, mWh, NULL where it was not',
    COMMENT COLUMN energy_source 'Where the given energy is from: a meter, the device, or an estimate of the client',
    COMMENT COLUMN energy_mwh_estimated 'Energy that was not measured, mWh: given as an estimate, or from GPU time and board power, else 0',
    COMMENT COLUMN energy_mwh_compatible 'Energy as the compatible rule counts it, mWh: a call of a paid API has a fixed sum',
    COMMENT COLUMN cost_nano_usd 'Cost of a paid API, in nano-USD',
    COMMENT COLUMN goal_id 'Goal that the work served, empty for none',
    COMMENT COLUMN requester_node_id 'Node that asked for the work, empty for none',
    COMMENT COLUMN reservation_id 'Reservation that the cost uses up, empty for none',
    COMMENT COLUMN late '1 where its window was final already',
    COMMENT COLUMN models_version 'Version of the table of models by which energy and GPU time were reckoned',
    COMMENT COLUMN content_hash 'Hash of what the event says: a repeat with another one is a conflict',
    MODIFY COMMENT 'Raw usage events, each accepted once. Kept 50 days: longer than an event may be old, so that a repeat is always found';

ALTER TABLE usage_1m
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Highest number of the blocks that brought these rows',
    COMMENT COLUMN node_id 'Node that did the work',
    COMMENT COLUMN window_start 'Begin of the window, UTC: half-open, so an event at its end belongs to the next one',
    COMMENT COLUMN model_id 'Model that was run',
    COMMENT COLUMN task_source 'For whom: own is the operator, hive the network, idle nobody',
    COMMENT COLUMN events 'Events counted',
    COMMENT COLUMN late_events 'Of them, those that came when the window was final already',
    COMMENT COLUMN tokens_in 'Tokens read',
    COMMENT COLUMN tokens_out 'Tokens written',
    COMMENT COLUMN duration_ms 'Time of the tasks, ms: 0 where an event did not say it',
    COMMENT COLUMN gpu_ms_measured 'GPU time as events gave it, ms',
    COMMENT COLUMN gpu_ms_estimated 'GPU time of events that gave none, ms: one second a thousand tokens',
    COMMENT COLUMN energy_mwh_measured 'Energy by a meter or the device, mWh',
    COMMENT COLUMN energy_mwh_estimated 'Energy by the client or from GPU time and board power, mWh',
    COMMENT COLUMN energy_mwh_compatible 'Energy as the compatible rule counts it, mWh: a call of a paid API has a fixed sum',
    COMMENT COLUMN cost_nano_usd 'Cost of paid APIs, in nano-USD',
    MODIFY COMMENT 'Sums of usage a minute. Rows are deltas: whoever reads adds them up. Kept 45 days';

ALTER TABLE usage_15m
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Highest number of the blocks that brought these rows',
    COMMENT COLUMN node_id 'Node that did the work',
    COMMENT COLUMN window_start 'Begin of the window, UTC: half-open, so an event at its end belongs to the next one',
    COMMENT COLUMN model_id 'Model that was run',
    COMMENT COLUMN task_source 'For whom: own is the operator, hive the network, idle nobody',
    COMMENT COLUMN events 'Events counted',
    COMMENT COLUMN late_events 'Of them, those that came when the window was final already',
    COMMENT COLUMN tokens_in 'Tokens read',
    COMMENT COLUMN tokens_out 'Tokens written',
    COMMENT COLUMN duration_ms 'Time of the tasks, ms: 0 where an event did not say it',
    COMMENT COLUMN gpu_ms_measured 'GPU time as events gave it, ms',
    COMMENT COLUMN gpu_ms_estimated 'GPU time of events that gave none, ms: one second a thousand tokens',
    COMMENT COLUMN energy_mwh_measured 'Energy by a meter or the device, mWh',
    COMMENT COLUMN energy_mwh_estimated 'Energy by the client or from GPU time and board power, mWh',
    COMMENT COLUMN energy_mwh_compatible 'Energy as the compatible rule counts it, mWh: a call of a paid API has a fixed sum',
    COMMENT COLUMN cost_nano_usd 'Cost of paid APIs, in nano-USD',
    MODIFY COMMENT 'Sums of usage a quarter of an hour, from which hours, days and months in any zone are added up. Rows are deltas. Kept for good';

ALTER TABLE cost_decisions
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Number of that block in its partition, counted without gaps: how far a partition is loaded',
    COMMENT COLUMN node_id 'Node whose cost it is',
    COMMENT COLUMN cost_seq 'Number of the cost in its node, counted from 1 without gaps',
    COMMENT COLUMN event_id 'Event that the cost is from',
    COMMENT COLUMN operator_id 'Operator to whom it counts: empty for none',
    COMMENT COLUMN task_source 'For whom the work was done',
    COMMENT COLUMN occurred_at 'When the work was done, as its sender says, UTC',
    COMMENT COLUMN decided_at 'Log time of the decision, UTC',
    COMMENT COLUMN decision 'What became of it: pending is payable, written_off had no operator and is paid when one claims the node, not_allowed and over_limit are not paid',
    COMMENT COLUMN cost_nano_usd 'The cost, in nano-USD',
    COMMENT COLUMN spark 'What it earns, in whole Spark, cut',
    COMMENT COLUMN spark_per_usd 'Rate that it was decided by',
    COMMENT COLUMN rules_version 'Version of the rules of accounts that it was decided by',
    COMMENT COLUMN reservation_id 'Reservation that it used up, empty for none',
    COMMENT COLUMN micro_spark 'What it earns, in micro-Spark',
    COMMENT COLUMN budget_day 'UTC day whose limit it counts to',
    COMMENT COLUMN day_spent_nano_usd 'What that day had spent before it, in nano-USD, at most what 64 bits hold: see day_spent_before_nano_usd',
    COMMENT COLUMN day_limit_nano_usd 'Limit of that day, in nano-USD, 0 for none',
    COMMENT COLUMN day_spent_before_nano_usd 'What that day had spent before it, in nano-USD',
    MODIFY COMMENT 'One row a cost of a node, as its account decided it. Never changed: whether it is paid follows from the ranges of settlements';

ALTER TABLE settlements
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Number of that block in its partition, counted without gaps: how far a partition is loaded',
    COMMENT COLUMN node_id 'Node whose costs are paid',
    COMMENT COLUMN settlement_id 'Id of the settlement, made of node and range',
    COMMENT COLUMN operator_id 'Operator who is paid',
    COMMENT COLUMN from_seq 'The last cost that was settled before',
    COMMENT COLUMN to_seq 'The last cost that this settles',
    COMMENT COLUMN costs 'Payable costs in the range',
    COMMENT COLUMN cost_nano_usd 'Their sum, in nano-USD',
    COMMENT COLUMN spark 'What is paid, in whole Spark, cut and at most what 64 bits hold',
    COMMENT COLUMN settled_at 'Log time of the settlement, UTC',
    COMMENT COLUMN reason 'What made it happen: the threshold, a claim, a request, or a node that changed hands',
    COMMENT COLUMN micro_spark 'What is paid, in micro-Spark, at most what 64 bits hold: see paid_micro_spark',
    COMMENT COLUMN paid_micro_spark 'What is paid, in micro-Spark',
    MODIFY COMMENT 'One row a payment of a node’s costs: all payable ones of (from_seq, to_seq]. The ranges of a node follow each other without gaps';

ALTER TABLE wallet_ledger
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Number of that block in its partition, counted without gaps: how far a partition is loaded',
    COMMENT COLUMN wallet_id 'Wallet that this row changes: an operator, or the issuer',
    COMMENT COLUMN entry_id 'Id of the row',
    COMMENT COLUMN counter_wallet_id 'Wallet of the other row of the payment',
    COMMENT COLUMN node_id 'Node that earned it',
    COMMENT COLUMN kind 'What is paid: costs that come back, or which reward',
    COMMENT COLUMN reference_id 'The settlement or reward that is paid',
    COMMENT COLUMN micro_spark 'Amount, in micro-Spark, at most what 64 bits hold: see amount_micro_spark',
    COMMENT COLUMN booked_at 'Log time of the payment, UTC',
    COMMENT COLUMN detail 'What a reward was given for, in words',
    COMMENT COLUMN amount_micro_spark 'Amount, in micro-Spark: negative where it leaves the wallet',
    MODIFY COMMENT 'Double entry: each payment is two rows, one of them the issuer’s, and all rows add up to zero';

ALTER TABLE audit_log
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Number of that block in its partition, counted without gaps: how far a partition is loaded',
    COMMENT COLUMN node_id 'Node that it was about',
    COMMENT COLUMN command_id 'Id of the command',
    COMMENT COLUMN caller 'Credential that asked',
    COMMENT COLUMN kind 'Kind of the command',
    COMMENT COLUMN status 'Status of its answer, as of HTTP',
    COMMENT COLUMN code 'Code of a refusal, empty where it was done',
    COMMENT COLUMN asked 'What was asked for, as JSON',
    COMMENT COLUMN changes 'What it changed, as JSON',
    COMMENT COLUMN result 'What was answered, as JSON',
    COMMENT COLUMN account_version 'Version of the account after it',
    COMMENT COLUMN decided_at 'Log time of the decision, UTC',
    MODIFY COMMENT 'One row a command on a node, as it was decided: who asked for what, and what came of it';

ALTER TABLE watermarks
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Number of the newest block that is loaded',
    COMMENT COLUMN watermark 'Up to this log time everything is loaded, UTC',
    COMMENT COLUMN position 'Where the task’s input stood when it wrote that block, 0 in rows of before',
    COMMENT COLUMN blocks_end 'Where the topic of blocks ended then, 0 in rows of before',
    MODIFY COMMENT 'How far each partition is loaded: one row a topic and partition after merges';

ALTER TABLE load_notes
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN reload_through 'Up to this block rows were inserted once before the tables came back from an older copy',
    COMMENT COLUMN missing_through 'Up to this block rows may be missing from the log, noted by an operator',
    MODIFY COMMENT 'What loading has to know beside the blocks, one row a topic and partition after merges';

ALTER TABLE dead_letters
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Number of that block in its partition, counted without gaps: how far a partition is loaded',
    COMMENT COLUMN topic 'Topic that the record stood in',
    COMMENT COLUMN partition 'Its partition',
    COMMENT COLUMN record_offset 'Its offset',
    COMMENT COLUMN received_at 'Its log time, UTC',
    COMMENT COLUMN set_aside_at 'Log time at which it was set aside, UTC',
    COMMENT COLUMN key 'Its key, as bytes',
    COMMENT COLUMN value 'Its value, as bytes',
    COMMENT COLUMN header_names 'Names of its headers',
    COMMENT COLUMN header_values 'Their values, as bytes, in the same order',
    COMMENT COLUMN reasons 'Why: one code an event that was set aside',
    COMMENT COLUMN indexes 'Places of these events in the record, in the same order, -1 for the whole record',
    COMMENT COLUMN details 'The same in words, in the same order',
    MODIFY COMMENT 'Records that were set aside, one row each, with their bytes, so that nothing that arrived is lost';

ALTER TABLE installation
    COMMENT COLUMN installation_id 'Id of the installation',
    COMMENT COLUMN made_at 'When it was made, UTC',
    MODIFY COMMENT 'Whose tables these are: the same id stands in Kafka, so that stores that do not belong together are found out';

ALTER TABLE schema_migrations
    COMMENT COLUMN version 'Number of the migration',
    COMMENT COLUMN name 'Its file',
    COMMENT COLUMN checksum 'SHA-256 of the file, hex: one that was changed later is refused',
    COMMENT COLUMN statement 'Number of the statement in it, from 1',
    COMMENT COLUMN statements 'How many it has',
    COMMENT COLUMN applied_at 'When it was applied, UTC',
    COMMENT COLUMN applied_by 'Version of the code that applied it',
    MODIFY COMMENT 'Statements of migrations that were applied, one row each';

ALTER TABLE schema_locks
    COMMENT COLUMN holder 'Process and machine',
    COMMENT COLUMN state 'Whether it holds the lock or has let it go',
    COMMENT COLUMN at 'When it said so, UTC',
    MODIFY COMMENT 'Who migrates: the newest row of a holder counts, for 15 seconds';
ALTER TABLE audit
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Number of that block in its partition, counted without gaps: how far a partition is loaded',
    COMMENT COLUMN noted_at 'Log time of the note, UTC',
    COMMENT COLUMN entry_id 'Id of the note',
    COMMENT COLUMN kind 'What happened',
    COMMENT COLUMN subject 'The key or credential that it is about',
    COMMENT COLUMN node_id 'Node that it is about, empty for none',
    COMMENT COLUMN address 'Address that it came from, empty where that is not known',
    COMMENT COLUMN value_before 'What held before',
    COMMENT COLUMN value_after 'What holds since',
    COMMENT COLUMN times 'How often it happened in the minute of the note',
    COMMENT COLUMN reason 'Code of a refusal, empty for none',
    MODIFY COMMENT 'What nobody asked for by a command and an operator wants to know of later: keys, tiers, operators, refusals';

ALTER TABLE set_aside
    COMMENT COLUMN src_topic 'Topic of the block that brought this row',
    COMMENT COLUMN src_partition 'Partition of that topic',
    COMMENT COLUMN src_seq 'Number of that block in its partition, counted without gaps: how far a partition is loaded',
    COMMENT COLUMN node_id 'Node that the event names',
    COMMENT COLUMN event_id 'Id of the event as it was sent',
    COMMENT COLUMN reason 'Code of why it does not count',
    COMMENT COLUMN detail 'The same in words',
    COMMENT COLUMN topic 'Topic that its record stood in',
    COMMENT COLUMN partition 'Its partition',
    COMMENT COLUMN record_offset 'Offset of its record',
    COMMENT COLUMN record_index 'Place of the event within the record',
    COMMENT COLUMN received_at 'When the log took the record (LogAppendTime), UTC',
    COMMENT COLUMN set_aside_at 'Log time at which it was set aside, UTC',
    COMMENT COLUMN event 'The event as it was sent, as JSON',
    MODIFY COMMENT 'Events set aside, one row each, for the node that they name. The records that they came in stand in dead_letters';

ALTER TABLE usage_events
    COMMENT COLUMN id_kind 'What event_id is: the id that was sent, or the hash of a text';

ALTER TABLE cost_decisions
    COMMENT COLUMN id_kind 'What event_id is: the id that was sent, or the hash of a text';

ALTER TABLE usage_1m
    COMMENT COLUMN wide_tokens_in 'Tokens read, in 128 bits: the column to add up',
    COMMENT COLUMN wide_tokens_out 'Tokens written, in 128 bits: the column to add up',
    COMMENT COLUMN wide_duration_ms 'Time of the tasks, ms, in 128 bits: the column to add up',
    COMMENT COLUMN wide_gpu_ms_measured 'GPU time as events gave it, ms, in 128 bits: the column to add up',
    COMMENT COLUMN wide_gpu_ms_estimated 'GPU time of events that gave none, ms, in 128 bits: the column to add up',
    COMMENT COLUMN wide_energy_mwh_measured 'Energy by a meter or the device, mWh, in 128 bits: the column to add up',
    COMMENT COLUMN wide_energy_mwh_estimated 'Energy by the client or from GPU time and board power, mWh, in 128 bits: the column to add up',
    COMMENT COLUMN wide_energy_mwh_compatible 'Energy as the compatible rule counts it, mWh, in 128 bits: the column to add up';

ALTER TABLE usage_15m
    COMMENT COLUMN wide_tokens_in 'Tokens read, in 128 bits: the column to add up',
    COMMENT COLUMN wide_tokens_out 'Tokens written, in 128 bits: the column to add up',
    COMMENT COLUMN wide_duration_ms 'Time of the tasks, ms, in 128 bits: the column to add up',
    COMMENT COLUMN wide_gpu_ms_measured 'GPU time as events gave it, ms, in 128 bits: the column to add up',
    COMMENT COLUMN wide_gpu_ms_estimated 'GPU time of events that gave none, ms, in 128 bits: the column to add up',
    COMMENT COLUMN wide_energy_mwh_measured 'Energy by a meter or the device, mWh, in 128 bits: the column to add up',
    COMMENT COLUMN wide_energy_mwh_estimated 'Energy by the client or from GPU time and board power, mWh, in 128 bits: the column to add up',
    COMMENT COLUMN wide_energy_mwh_compatible 'Energy as the compatible rule counts it, mWh, in 128 bits: the column to add up';
