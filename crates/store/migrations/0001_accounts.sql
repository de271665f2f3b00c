-- Accounts, their leases and what is kept secret.
-- Times are milliseconds since 1970. Sides: 0 source, 1 target. Bodies of type BLOB are described in src/codec.

-- Numbers that are never given twice, not even after their owner is gone.
CREATE TABLE counter (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('account', 0);

CREATE TABLE account (
    id           BIGINT NOT NULL PRIMARY KEY,
    -- As it was given, and folded for comparison.
    address      TEXT   NOT NULL,
    address_key  TEXT   NOT NULL UNIQUE,
    source_login TEXT   NOT NULL,
    target_login TEXT   NOT NULL,
    domain       TEXT   NOT NULL,
    enabled      BIGINT NOT NULL
);

CREATE TABLE password (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    side    BIGINT NOT NULL,
    sealed  BLOB   NOT NULL,
    PRIMARY KEY (account, side)
);

CREATE TABLE secret (
    name   TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
);

-- Who may write an account's state. The epoch is the fencing token: it only grows.
CREATE TABLE lease (
    account  BIGINT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    epoch    BIGINT NOT NULL,
    -- NULL when nobody holds it.
    owner    TEXT,
    until_ms BIGINT NOT NULL
);
