-- Schema changes upstream, each followed by rows that need it. Each statement is a transaction of its own.
-- A syncer that has to follow rows and then a change of their table in one step fails in Zero 1.9.0, on any driver:
-- at each empty line everything so far is followed first.
CREATE TABLE annex (id int8 PRIMARY KEY, body text, size int4, at timestamptz);
ALTER TABLE annex ADD COLUMN ready bool NOT NULL DEFAULT true;
INSERT INTO annex
  SELECT n, 'Annex ' || repeat('ä', n % 700), n, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second', n % 2 = 0
  FROM generate_series(1, 500) AS n;

CREATE INDEX annex_size ON annex (size DESC, id);
CREATE UNIQUE INDEX annex_at ON annex (at);
ALTER TABLE annex RENAME COLUMN size TO weight;
UPDATE annex SET weight = -weight WHERE id % 3 = 0;

ALTER TABLE annex ALTER COLUMN weight TYPE int8;
UPDATE annex SET weight = 9007199254740991 WHERE id = 7;

DROP INDEX annex_at;
ALTER TABLE annex DROP COLUMN at;
DELETE FROM annex WHERE id > 450;

ALTER TABLE annex ALTER COLUMN body SET NOT NULL;
ALTER TABLE annex RENAME TO appendix;
INSERT INTO appendix VALUES (1000, 'Appendix', 1, false);

CREATE TABLE emptied (id text PRIMARY KEY, body text);
INSERT INTO emptied SELECT n, repeat('x', 3000) FROM generate_series(1, 300) AS n;

CREATE TABLE dropped (id text PRIMARY KEY);
INSERT INTO dropped VALUES ('x');
