-- +goose Up

-- What is tracked of connections. No foreign key leads to the connections: the
-- rows are written off the caller's path, in batches that one connection deleted
-- meanwhile must not fail. Times are microseconds since 1970, 0 for never;
-- latency is in nanoseconds.
CREATE TABLE tracked (
    tenant        TEXT   NOT NULL,
    connection    TEXT   NOT NULL,
    last_used     BIGINT NOT NULL,
    latency       BIGINT NOT NULL,
    last_checked  BIGINT NOT NULL,
    last_ok       BIGINT NOT NULL,
    last_failure  BIGINT NOT NULL,
    failure       TEXT   NOT NULL,
    streak        BIGINT NOT NULL,
    failing_since BIGINT NOT NULL,
    calls         BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    PRIMARY KEY (tenant, connection)
);

-- When tokens expire, apart from what changes with every call, so that its index
-- is written only when a token is.
CREATE TABLE tracked_expiry (
    tenant     TEXT   NOT NULL,
    connection TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, connection)
);

CREATE INDEX tracked_expiry_soonest ON tracked_expiry (expires_at, tenant, connection);

-- The last batch of each recorder, which makes sending one again harmless.
CREATE TABLE tracked_batches (
    recorder TEXT   NOT NULL PRIMARY KEY,
    seq      BIGINT NOT NULL,
    added_at BIGINT NOT NULL
);

-- +goose Down

DROP TABLE tracked_batches;
DROP TABLE tracked_expiry;
DROP TABLE tracked;
