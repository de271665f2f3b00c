-- Sign-ins that a server refused, so that no later run tries the same password over and over until the account is locked.
CREATE TABLE refusal (
    server  TEXT   NOT NULL,
    login   TEXT   NOT NULL,
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    -- The name of the password where it serves many accounts and has not opened any of them. NULL: it concerns this login.
    secret  TEXT,
    -- A keyed hash of the password.
    mark    BLOB   NOT NULL,
    at_ms   BIGINT NOT NULL,
    answer  TEXT   NOT NULL,
    PRIMARY KEY (server, login)
);

-- Passwords that serve many accounts and have let in one of them, as they are now.
CREATE TABLE proof (
    server TEXT NOT NULL,
    secret TEXT NOT NULL,
    mark   BLOB NOT NULL,
    PRIMARY KEY (server, secret)
);
