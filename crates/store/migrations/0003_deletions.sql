-- Deletions that nothing can undo, for the brake that counts those of one day. A commit that adds one forgets what is older.
CREATE TABLE deletion (
    account  BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    at_ms    BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    PRIMARY KEY (account, at_ms)
);
