-- How fast what the accounts share is worked on: servers, service accounts, mailbox databases. Only what is slower than it
-- may be has a row, so that the next run begins where this one ended.
CREATE TABLE pace (
    server       TEXT   NOT NULL,
    -- 'server', 'login' or 'database'.
    kind         TEXT   NOT NULL,
    -- The login's or database's name; empty for the server itself.
    name         TEXT   NOT NULL,
    -- Connections.
    allowed      BIGINT NOT NULL,
    most         BIGINT NOT NULL,
    slowed_at_ms BIGINT NOT NULL,
    -- Nothing is asked of it before. 0: it asked for no pause.
    until_ms     BIGINT NOT NULL,
    -- What the server said.
    answer       TEXT   NOT NULL,
    PRIMARY KEY (server, kind, name)
);

-- Which accounts are served first: 0 high, 1 normal, 2 low.
ALTER TABLE account ADD COLUMN priority BIGINT NOT NULL DEFAULT 1;
-- The mailbox database on the source, where an administrator has told it.
ALTER TABLE account ADD COLUMN mailbox_database TEXT;
