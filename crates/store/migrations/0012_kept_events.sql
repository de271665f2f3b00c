-- Events of others' making, as they were before they were first overwritten or removed, beside those that merges gave up.
ALTER TABLE event_archived ADD COLUMN kept BIGINT NOT NULL DEFAULT 0;
ALTER TABLE event_archived ADD COLUMN export BLOB;
