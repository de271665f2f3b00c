-- What is remembered of an account's mail. Every write of these tables is checked against the lease.

CREATE TABLE folder (
    account                 BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    id                      BIGINT NOT NULL,
    source_path             BLOB,
    target_path             BLOB,
    role                    TEXT,
    source_cursor           BLOB,
    target_cursor           BLOB,
    source_mailbox_id       TEXT,
    target_mailbox_id       TEXT,
    subscribed              BIGINT NOT NULL,
    source_missing_since_ms BIGINT,
    target_missing_since_ms BIGINT,
    PRIMARY KEY (account, id)
);

-- One row holds up to 512 links. The counts stand before the body, so that adding them up reads no body.
CREATE TABLE links (
    account   BIGINT NOT NULL,
    folder    BIGINT NOT NULL,
    chunk     BIGINT NOT NULL,
    linked    BIGINT NOT NULL,
    in_source BIGINT NOT NULL,
    in_target BIGINT NOT NULL,
    body      BLOB   NOT NULL,
    PRIMARY KEY (account, folder, chunk),
    FOREIGN KEY (account, folder) REFERENCES folder (account, id) ON DELETE CASCADE
);

CREATE TABLE intent (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    id      BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    body    BLOB   NOT NULL,
    PRIMARY KEY (account, id)
);

-- One row holds what was appended at one moment.
CREATE TABLE recent (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    seq     BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    body    BLOB   NOT NULL,
    PRIMARY KEY (account, seq)
);

CREATE TABLE parked (
    account  BIGINT NOT NULL,
    folder   BIGINT NOT NULL,
    side     BIGINT NOT NULL,
    uid      BIGINT NOT NULL,
    code     TEXT   NOT NULL,
    args     BLOB   NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (account, folder, side, uid),
    FOREIGN KEY (account, folder) REFERENCES folder (account, id) ON DELETE CASCADE
);

CREATE TABLE suspected (
    account  BIGINT NOT NULL,
    folder   BIGINT NOT NULL,
    side     BIGINT NOT NULL,
    uid      BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (account, folder, side, uid),
    FOREIGN KEY (account, folder) REFERENCES folder (account, id) ON DELETE CASCADE
);

CREATE TABLE held (
    account   BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    brake_key TEXT   NOT NULL,
    brake     TEXT   NOT NULL,
    args      BLOB   NOT NULL,
    since_ms  BIGINT NOT NULL,
    released  BIGINT NOT NULL,
    PRIMARY KEY (account, brake_key)
);

CREATE TABLE summary (
    account    BIGINT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    at_ms      BIGINT NOT NULL,
    last_ok_ms BIGINT,
    linked     BIGINT NOT NULL,
    parked     BIGINT NOT NULL,
    carried    BIGINT NOT NULL,
    folders    BIGINT NOT NULL,
    error_code TEXT,
    error_args BLOB
);
