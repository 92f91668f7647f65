DELETE FROM meta WHERE key = 'message_tallies';
DROP INDEX stays_hours;
ALTER TABLE messages DROP COLUMN made_in;
DROP INDEX message_steps_untallied;
ALTER TABLE message_steps DROP COLUMN tallied;
DROP TABLE message_tallies;
