-- The fallback queue. `visible_at` is 0 until the first receive; a hidden message has one in the future.
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    message_group TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    first_received_at INTEGER,
    visible_at INTEGER NOT NULL DEFAULT 0,
    receives INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX messages_by_group ON messages (message_group, seq);

-- One row a group with messages: from `ready_at` on none of them is hidden. Finds the next group without looking at
-- the messages of blocked ones, of which an outage leaves many.
CREATE TABLE message_groups (
    message_group TEXT PRIMARY KEY,
    ready_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX message_groups_by_readiness ON message_groups (ready_at);

CREATE TABLE deduplication (
    message_group TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (message_group, deduplication_id)
) WITHOUT ROWID;
CREATE INDEX deduplication_by_end ON deduplication (until);

CREATE TABLE dead_letters (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    message_group TEXT NOT NULL,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    receives INTEGER NOT NULL,
    at INTEGER NOT NULL
);

-- What the bus took, in order, and which rules matched then.
CREATE TABLE deliveries (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    entry TEXT NOT NULL,
    delivered_at INTEGER NOT NULL
);
CREATE TABLE delivery_rules (
    rule TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (rule, n)
) WITHOUT ROWID;
CREATE INDEX delivery_rules_by_delivery ON delivery_rules (n);

CREATE TABLE rules (
    name TEXT PRIMARY KEY,
    pattern TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- How far the stream's driver is, and the batches it gave up.
CREATE TABLE checkpoints (
    stream TEXT PRIMARY KEY,
    sequence_number TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE failed_batches (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    notice TEXT NOT NULL,
    records INTEGER NOT NULL,
    at INTEGER NOT NULL
);
