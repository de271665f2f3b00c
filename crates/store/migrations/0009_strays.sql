-- What was linked in a folder before its messages got new UIDs, and was not found again there.
CREATE TABLE stray (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    folder  BIGINT NOT NULL,
    side    BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    body    BLOB   NOT NULL,
    PRIMARY KEY (account, folder, side)
);
