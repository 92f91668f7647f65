DELETE FROM meta WHERE key = 'tallies';
DROP TABLE tallies;
DROP TABLE stays;
