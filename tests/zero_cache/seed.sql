-- 20,000 issues and 60,000 comments, the same in every run.
CREATE TABLE person (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE issue (
  id text PRIMARY KEY,
  title text NOT NULL,
  status text NOT NULL,
  priority int4 NOT NULL,
  score float8 NOT NULL,
  owner text NOT NULL,
  tags jsonb NOT NULL,
  created timestamptz NOT NULL,
  closed int8
);
CREATE TABLE comment (
  id text PRIMARY KEY,
  issue text NOT NULL,
  author text NOT NULL,
  body text NOT NULL,
  created timestamptz NOT NULL
);
CREATE TABLE progress (id text PRIMARY KEY, step int4 NOT NULL);
CREATE INDEX issue_owner ON issue (owner);
CREATE INDEX issue_created ON issue (created);
CREATE INDEX issue_score ON issue (score, id);
CREATE INDEX comment_issue ON comment (issue);
CREATE INDEX comment_author ON comment (author);

INSERT INTO progress VALUES ('main', 0);
INSERT INTO person SELECT 'p' || lpad(n::text, 2, '0'), 'Person ' || n FROM generate_series(0, 49) AS n;
INSERT INTO issue
SELECT
  'i' || lpad(n::text, 5, '0'),
  CASE WHEN n % 6000 = 17 THEN 'Übergabe ' ELSE 'Issue ' END || n || ' ' || repeat('x', n % 40),
  (ARRAY['open', 'doing', 'done', 'open', 'late'])[n % 5 + 1],
  n * 7919 % 20,
  n * 7919 % 20011 / 20011.0,
  'p' || lpad((n * 31 % 50)::text, 2, '0'),
  jsonb_build_object('n', n % 10, 'label', 'λ' || n % 7),
  timestamptz '2025-01-01 00:00:00+00' + n * interval '61 seconds',
  CASE WHEN n % 3 = 0 THEN 9007199254740000 - n END
FROM generate_series(0, 19999) AS n;
INSERT INTO comment
SELECT
  'c' || lpad(n::text, 5, '0'),
  'i' || lpad((n * 7 % 20000)::text, 5, '0'),
  'p' || lpad((n * 13 % 50)::text, 2, '0'),
  'Comment ' || n || CASE WHEN n % 97 = 0 THEN ' needle' ELSE '' END || repeat(' lorem ipsum', n % 9),
  timestamptz '2025-02-01 00:00:00+00' + n * interval '37 seconds'
FROM generate_series(0, 59999) AS n;
ANALYZE;
