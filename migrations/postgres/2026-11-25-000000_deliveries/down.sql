DROP TABLE message_texts;
DROP TABLE message_steps;
-- A message without an application has no place in the table as it was.
DELETE FROM messages WHERE application_id IS NULL;
DROP INDEX messages_trouble_of_staff;
DROP INDEX messages_trouble_of_province;
DROP INDEX messages_trouble;
DROP INDEX messages_by_kind;
DROP INDEX messages_by_state;
DROP INDEX messages_by_time;
DROP INDEX messages_by_province;
DROP INDEX messages_by_agency;
DROP INDEX messages_receipt_due;
DROP INDEX messages_by_root;
DROP INDEX messages_by_account;
DROP INDEX messages_by_application;
DROP INDEX messages_waiting;
UPDATE messages SET
    state = CASE state WHEN 'accepted' THEN 'sent' WHEN 'delivered' THEN 'sent' WHEN 'expired' THEN 'sent' WHEN 'unknown' THEN 'queued'
        WHEN 'failed' THEN 'dead' WHEN 'undelivered' THEN 'dead' ELSE state END;
ALTER TABLE messages DROP COLUMN invitation_id;
ALTER TABLE messages DROP COLUMN resent;
ALTER TABLE messages DROP COLUMN root_id;
ALTER TABLE messages DROP COLUMN cause;
ALTER TABLE messages DROP COLUMN delivered_at;
ALTER TABLE messages DROP COLUMN receipt_due_at;
ALTER TABLE messages DROP COLUMN gateway;
ALTER TABLE messages DROP COLUMN lane;
ALTER TABLE messages DROP COLUMN staff_id;
ALTER TABLE messages DROP COLUMN province_id;
ALTER TABLE messages DROP COLUMN agency_id;
ALTER TABLE messages ALTER COLUMN application_id SET NOT NULL;
CREATE INDEX messages_waiting ON messages (next_attempt_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX messages_by_application ON messages (application_id);
CREATE INDEX messages_dead ON messages (application_id) WHERE state = 'dead';
CREATE INDEX messages_by_account ON messages (account_id, id) WHERE account_id IS NOT NULL;
ALTER TABLE accounts DROP COLUMN invited_at;
DROP TABLE invitations;
