-- What an import tells of a person, besides the account that carries the mail.

CREATE TABLE person (
    address_key TEXT   NOT NULL PRIMARY KEY,
    address     TEXT   NOT NULL,
    domain      TEXT   NOT NULL,
    wave        TEXT,
    criticality BIGINT,
    first_name  TEXT,
    last_name   TEXT,
    -- One on each line.
    groups_text TEXT   NOT NULL,
    phone       TEXT,
    only_myteam BIGINT NOT NULL,
    send_email  BIGINT NOT NULL,
    enabled_2fa BIGINT NOT NULL,
    phone_2fa   TEXT
);

-- The service account that signs in for this one on the source. NULL: the domain's own.
ALTER TABLE account ADD COLUMN service_login TEXT;
