-- What is tracked of connections, apart from the records. No foreign key leads
-- to the connections: the rows are written off the caller's path, in batches that
-- one connection deleted meanwhile must not fail. Times are microseconds since
-- 1970, 0 for never; latency is in nanoseconds.

-- +goose Up
CREATE TABLE tracked (
    tenant        TEXT COLLATE "C" NOT NULL,
    connection    TEXT COLLATE "C" NOT NULL,
    last_used     BIGINT NOT NULL,
    latency       BIGINT NOT NULL,
    last_checked  BIGINT NOT NULL,
    last_ok       BIGINT NOT NULL,
    last_failure  BIGINT NOT NULL,
    failure       TEXT COLLATE "C" NOT NULL,
    streak        BIGINT NOT NULL,
    failing_since BIGINT NOT NULL,
    calls         BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    PRIMARY KEY (tenant, connection)
);

-- When tokens expire, apart from what changes with every call, so that its index
-- is written only when a token is.
CREATE TABLE tracked_expiry (
    tenant     TEXT COLLATE "C" NOT NULL,
    connection TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, connection)
);

CREATE INDEX tracked_expiry_soonest ON tracked_expiry (expires_at, tenant, connection);

-- The last batch of each recorder, which makes sending one again harmless.
CREATE TABLE tracked_batches (
    recorder TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq      BIGINT NOT NULL,
    added_at BIGINT NOT NULL
);
