-- What an event said before a write that may end between its requests.
ALTER TABLE event_intent ADD COLUMN was BLOB;
