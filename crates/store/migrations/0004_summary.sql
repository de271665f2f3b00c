-- The links themselves are counted where the number is wanted; a pass knows only those of the folders that it looked at.
ALTER TABLE summary DROP COLUMN linked;
