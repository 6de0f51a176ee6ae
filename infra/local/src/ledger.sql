-- Queues made on demand. The template's are not kept here.
CREATE TABLE queues (
    name TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Messages of all queues. `visible_at` is 0 until the first receive; a hidden message has one in the future. In a
-- standard queue every message is a group of its own.
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    message_group TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    first_received_at INTEGER,
    visible_at INTEGER NOT NULL DEFAULT 0,
    receives INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX messages_by_group ON messages (queue, message_group, seq);
CREATE INDEX messages_by_visibility ON messages (queue, visible_at);

-- One row a group with messages: from `ready_at` on none of them is hidden. Finds the next group without looking at
-- the messages of blocked ones, of which an outage leaves many.
CREATE TABLE message_groups (
    queue TEXT NOT NULL,
    message_group TEXT NOT NULL,
    ready_at INTEGER NOT NULL,
    PRIMARY KEY (queue, message_group)
) WITHOUT ROWID;
CREATE INDEX message_groups_by_readiness ON message_groups (queue, ready_at);

CREATE TABLE deduplication (
    queue TEXT NOT NULL,
    message_group TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (queue, message_group, deduplication_id)
) WITHOUT ROWID;
CREATE INDEX deduplication_by_end ON deduplication (until);

-- What was given up on. `source` is "queue NAME" or "rule NAME"; `queue` is the template's dead-letter queue for it, if it
-- has one; `delivery` is the place in the bus's log of what a rule could not deliver.
CREATE TABLE dead_letters (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    queue TEXT,
    message_id TEXT NOT NULL,
    message_group TEXT,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    receives INTEGER NOT NULL,
    delivery INTEGER,
    at INTEGER NOT NULL,
    UNIQUE (source, message_id)
);
CREATE INDEX dead_letters_by_source ON dead_letters (source, n);

-- What the bus took, in order, and which rules matched then.
CREATE TABLE deliveries (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id TEXT NOT NULL,
    entry TEXT NOT NULL,
    delivered_at INTEGER NOT NULL
);
CREATE TABLE delivery_rules (
    rule TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (rule, n)
) WITHOUT ROWID;
CREATE INDEX delivery_rules_by_delivery ON delivery_rules (n);

-- Rules made over HTTP. The template's are not kept here.
CREATE TABLE rules (
    name TEXT PRIMARY KEY,
    pattern TEXT NOT NULL,
    target TEXT,
    retry TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- What is on its way to a rule's target: a row leaves when the target has it, or when it is given up.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL,
    n INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX outbox_by_rule ON outbox (rule, due_at, id);
CREATE INDEX outbox_by_time ON outbox (due_at);
CREATE TABLE rule_counts (
    rule TEXT PRIMARY KEY,
    delivered INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    duplicated INTEGER NOT NULL DEFAULT 0,
    failed_attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT
) WITHOUT ROWID;

-- How far each reader of a stream is, and the batches it gave up.
CREATE TABLE checkpoints (
    stream TEXT NOT NULL,
    reader TEXT NOT NULL,
    sequence_number TEXT NOT NULL,
    PRIMARY KEY (stream, reader)
) WITHOUT ROWID;
CREATE TABLE failed_batches (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    reader TEXT NOT NULL,
    notice TEXT NOT NULL,
    records INTEGER NOT NULL,
    at INTEGER NOT NULL
);
