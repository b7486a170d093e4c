-- The records. One text for SQLite and PostgreSQL; migrate.go says how.
--
-- Every record belongs to a tenant, and the tenant is part of every key that
-- refers to it: a reference across tenants cannot be stored at all. The two
-- exceptions are the hash of a key, which is how a tenant becomes known, and the
-- sequence of changes, which is one for the installation.
--
-- Times are microseconds since 1970 in UTC, NULL for none. Lists and maps are
-- JSON. Text compares by its bytes.

-- +goose Up
CREATE TABLE tenants (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL CONSTRAINT tenants_name UNIQUE,
    created_at BIGINT
);

CREATE TABLE actors (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    id         TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT,
    updated_at BIGINT,
    version    BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    CONSTRAINT actors_name UNIQUE (tenant, kind, name)
);

-- A key outlives its actor, revoked, so that its use can still be explained:
-- hence no reference to actors.
CREATE TABLE access_keys (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    id         TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    actor      TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    reach      TEXT NOT NULL,
    hash       BYTEA NOT NULL CONSTRAINT access_keys_hash UNIQUE,
    hint       TEXT NOT NULL,
    created_at BIGINT,
    expires_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX access_keys_actor ON access_keys (tenant, kind, actor, id);

-- Sealed columns are NULL where nothing is sealed. The wrapping key and its
-- version have an index: it answers what a rotation has yet to reach.
CREATE TABLE auth_configs (
    tenant             TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    id                 TEXT COLLATE "C" NOT NULL,
    app                TEXT COLLATE "C" NOT NULL,
    environment        TEXT COLLATE "C" NOT NULL,
    scheme             TEXT COLLATE "C" NOT NULL,
    name               TEXT COLLATE "C" NOT NULL,
    fields             TEXT NOT NULL,
    hosts              TEXT NOT NULL,
    sealed_provider    TEXT,
    sealed_key         TEXT,
    sealed_key_version BIGINT,
    sealed_text        TEXT,
    sealed_serial      BIGINT,
    sealed_box         BYTEA,
    version            BIGINT NOT NULL,
    created_at         BIGINT,
    updated_at         BIGINT,
    rotated_at         BIGINT,
    PRIMARY KEY (tenant, id),
    CONSTRAINT auth_configs_name UNIQUE (tenant, app, environment, name),
    CONSTRAINT auth_configs_place UNIQUE (tenant, app, environment, id)
);

CREATE INDEX auth_configs_sealed ON auth_configs (sealed_provider, sealed_key, sealed_key_version);

-- A connection authenticates with a config of its own app and environment, or
-- it cannot be stored.
CREATE TABLE connections (
    tenant         TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    id             TEXT COLLATE "C" NOT NULL,
    app            TEXT COLLATE "C" NOT NULL,
    environment    TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    auth_config    TEXT COLLATE "C" NOT NULL,
    params         TEXT NOT NULL,
    identity_id    TEXT NOT NULL,
    identity_label TEXT NOT NULL,
    status         TEXT COLLATE "C" NOT NULL,
    reason         TEXT COLLATE "C" NOT NULL,
    status_since   BIGINT,
    version        BIGINT NOT NULL,
    created_at     BIGINT,
    updated_at     BIGINT,
    PRIMARY KEY (tenant, id),
    CONSTRAINT connections_name UNIQUE (tenant, app, environment, name),
    CONSTRAINT connections_place UNIQUE (tenant, app, environment, id),
    CONSTRAINT connections_auth_config FOREIGN KEY (tenant, app, environment, auth_config)
        REFERENCES auth_configs (tenant, app, environment, id)
);

CREATE INDEX connections_auth_config ON connections (tenant, app, environment, auth_config);

-- An attempt holds on to nothing: what it names may be gone when it is promoted,
-- and then it fails.
CREATE TABLE attempts (
    tenant             TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    id                 TEXT COLLATE "C" NOT NULL,
    app                TEXT COLLATE "C" NOT NULL,
    environment        TEXT COLLATE "C" NOT NULL,
    name               TEXT NOT NULL,
    params             TEXT NOT NULL,
    scheme             TEXT NOT NULL,
    auth_config        TEXT NOT NULL,
    config_name        TEXT NOT NULL,
    fields             TEXT NOT NULL,
    hosts              TEXT NOT NULL,
    sealed_provider    TEXT,
    sealed_key         TEXT,
    sealed_key_version BIGINT,
    sealed_text        TEXT,
    sealed_serial      BIGINT,
    sealed_box         BYTEA,
    reauthorize        TEXT NOT NULL,
    status             TEXT NOT NULL,
    failure            TEXT NOT NULL,
    message            TEXT NOT NULL,
    connection         TEXT NOT NULL,
    created_at         BIGINT,
    updated_at         BIGINT,
    expires_at         BIGINT,
    version            BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX attempts_expiry ON attempts (expires_at);
CREATE INDEX attempts_sealed ON attempts (sealed_provider, sealed_key, sealed_key_version);

CREATE TABLE toolkits (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    id         TEXT COLLATE "C" NOT NULL,
    slug       TEXT COLLATE "C" NOT NULL,
    title      TEXT NOT NULL,
    app        TEXT COLLATE "C" NOT NULL,
    tools      TEXT NOT NULL,
    version    BIGINT NOT NULL,
    created_at BIGINT,
    updated_at BIGINT,
    PRIMARY KEY (tenant, id),
    CONSTRAINT toolkits_slug UNIQUE (tenant, slug)
);

-- A binding names a connection of the toolkit's app and of its own environment,
-- or it cannot be stored; a connection that is bound cannot be deleted.
CREATE TABLE toolkit_bindings (
    tenant      TEXT COLLATE "C" NOT NULL,
    toolkit     TEXT COLLATE "C" NOT NULL,
    environment TEXT COLLATE "C" NOT NULL,
    label       TEXT COLLATE "C" NOT NULL,
    app         TEXT COLLATE "C" NOT NULL,
    connection  TEXT COLLATE "C" NOT NULL,
    position    BIGINT NOT NULL,
    PRIMARY KEY (tenant, toolkit, environment, label),
    CONSTRAINT toolkit_bindings_toolkit FOREIGN KEY (tenant, toolkit)
        REFERENCES toolkits (tenant, id) ON DELETE CASCADE,
    CONSTRAINT toolkit_bindings_connection FOREIGN KEY (tenant, app, environment, connection)
        REFERENCES connections (tenant, app, environment, id)
);

CREATE INDEX toolkit_bindings_connection ON toolkit_bindings (tenant, app, environment, connection);

CREATE TABLE idempotency_claims (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    claim      TEXT COLLATE "C" NOT NULL,
    digest     BYTEA NOT NULL,
    state      TEXT NOT NULL,
    result     BYTEA,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, claim)
);

CREATE INDEX idempotency_claims_expiry ON idempotency_claims (expires_at);

-- What changed, for the feed; change_counter holds the last number given out.
CREATE TABLE changes (
    seq    BIGINT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    noun   TEXT NOT NULL,
    id     TEXT NOT NULL,
    at     BIGINT NOT NULL
);

CREATE TABLE change_counter (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL
);

INSERT INTO change_counter (one, seq) VALUES (1, 0);
