-- What was said of an account's calendars: off, sync or subscribe. No row: as the configuration says.
CREATE TABLE calendar_link (
    account BIGINT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    mode    TEXT   NOT NULL
);

-- The last pass over an account's calendars. Written under the lease.
CREATE TABLE calendar_summary (
    account    BIGINT NOT NULL PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    at_ms      BIGINT NOT NULL,
    last_ok_ms BIGINT,
    calendars  BIGINT NOT NULL,
    parked     BIGINT NOT NULL,
    carried    BIGINT NOT NULL,
    error_code TEXT,
    error_args BLOB
);
