-- What is remembered of an account's calendars. Every write of these tables is checked against the lease.

CREATE TABLE calendar (
    account                 BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    id                      BIGINT NOT NULL,
    source_id               TEXT,
    target_id               TEXT,
    source_name             TEXT   NOT NULL,
    target_name             TEXT   NOT NULL,
    is_default              BIGINT NOT NULL,
    source_token            TEXT,
    target_token            TEXT,
    source_missing_since_ms BIGINT,
    target_missing_since_ms BIGINT,
    PRIMARY KEY (account, id)
);

-- One row for each event. An end is a calendar, a handle, a version (NULL: not known) and a hash; all NULL where there is
-- none. The form that both sides agreed on stands last, so that loading links reads none of it.
CREATE TABLE event (
    account         BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    id              BIGINT NOT NULL,
    uid             TEXT   NOT NULL,
    calendar        BIGINT NOT NULL,
    source_calendar BIGINT,
    source_handle   TEXT,
    source_version  TEXT,
    source_hash     BLOB,
    target_calendar BIGINT,
    target_handle   TEXT,
    target_version  TEXT,
    target_hash     BLOB,
    base_hash       BLOB   NOT NULL,
    brought         BIGINT,
    asleep          BIGINT,
    -- Moments, divided by blanks.
    writes_ms       TEXT   NOT NULL,
    base            BLOB   NOT NULL,
    PRIMARY KEY (account, id)
);

CREATE TABLE event_intent (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    id      BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    body    BLOB   NOT NULL,
    PRIMARY KEY (account, id)
);

CREATE TABLE event_parked (
    account  BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    calendar BIGINT NOT NULL,
    side     BIGINT NOT NULL,
    handle   TEXT   NOT NULL,
    version  TEXT,
    uid      TEXT,
    code     TEXT   NOT NULL,
    args     BLOB   NOT NULL,
    since_ms BIGINT NOT NULL,
    until_ms BIGINT,
    PRIMARY KEY (account, calendar, side, handle)
);

CREATE TABLE event_suspected (
    account  BIGINT NOT NULL,
    event    BIGINT NOT NULL,
    side     BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (account, event, side),
    FOREIGN KEY (account, event) REFERENCES event (account, id) ON DELETE CASCADE
);

-- Versions that a merge gave up.
CREATE TABLE event_archived (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    seq     BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    uid     TEXT   NOT NULL,
    side    BIGINT NOT NULL,
    body    BLOB   NOT NULL,
    PRIMARY KEY (account, seq)
);

-- Deletions of one day, for the brake that counts them.
CREATE TABLE event_deletion (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    at_ms   BIGINT NOT NULL,
    events  BIGINT NOT NULL,
    PRIMARY KEY (account, at_ms)
);
