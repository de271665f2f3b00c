-- Folders of which a server says that there are others below, and shows none of them (Exchange, "/" in a name).
ALTER TABLE folder ADD COLUMN source_hides BIGINT NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN target_hides BIGINT NOT NULL DEFAULT 0;
