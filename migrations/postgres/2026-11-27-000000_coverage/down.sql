DROP INDEX applications_waiting;
DROP TABLE targets;
DROP TABLE account_tallies;
DROP TABLE account_changes;
DROP TABLE registry_counts;
DELETE FROM meta WHERE key IN ('registry_counted', 'account_tallies', 'targets');
ALTER TABLE registry_changesets DROP COLUMN agency_id;
ALTER TABLE imports DROP COLUMN of_agency_id;
