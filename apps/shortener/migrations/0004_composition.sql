-- Up Migration

-- How much a key may ask for. The operator's own is not held up.
ALTER TABLE api_keys ADD COLUMN tier text NOT NULL DEFAULT 'standard' CHECK (tier IN ('standard', 'high', 'unlimited'));
UPDATE api_keys SET tier = 'unlimited' WHERE name = 'bootstrap';

-- What could not be counted, as it came: it may be no text.
CREATE TABLE click_dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest bytea NOT NULL UNIQUE,
  payload bytea NOT NULL,
  reason text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

-- How many different people a day had, so that who they were can be forgotten.
CREATE TABLE click_uniques (
  link_id bigint NOT NULL,
  day date NOT NULL,
  visitors bigint NOT NULL,
  PRIMARY KEY (link_id, day)
);
INSERT INTO click_uniques SELECT link_id, day, count(*) FROM click_visitors GROUP BY 1, 2;

-- In parts by time, which can be dropped. What is there becomes the default part.
ALTER TABLE click_visitors RENAME TO click_visitors_default;
ALTER INDEX click_visitors_pkey RENAME TO click_visitors_default_pkey;
CREATE TABLE click_visitors (
  link_id bigint NOT NULL,
  day date NOT NULL,
  visitor bytea NOT NULL,
  PRIMARY KEY (link_id, day, visitor)
) PARTITION BY RANGE (day);
ALTER TABLE click_visitors ATTACH PARTITION click_visitors_default DEFAULT;

ALTER TABLE click_daily RENAME TO click_daily_default;
ALTER INDEX click_daily_pkey RENAME TO click_daily_default_pkey;
CREATE TABLE click_daily (
  link_id bigint NOT NULL,
  day date NOT NULL,
  dimension text NOT NULL CONSTRAINT click_daily_dimension_check CHECK (dimension IN ('referrer', 'browser')),
  value text NOT NULL,
  clicks bigint NOT NULL,
  PRIMARY KEY (link_id, day, dimension, value)
) PARTITION BY RANGE (day);
ALTER TABLE click_daily ATTACH PARTITION click_daily_default DEFAULT;

-- Down Migration

CREATE TABLE click_daily_whole (LIKE click_daily INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO click_daily_whole SELECT * FROM click_daily;
DROP TABLE click_daily;
ALTER TABLE click_daily_whole RENAME TO click_daily;
ALTER TABLE click_daily ADD CONSTRAINT click_daily_pkey PRIMARY KEY (link_id, day, dimension, value);
CREATE TABLE click_visitors_whole (LIKE click_visitors INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO click_visitors_whole SELECT * FROM click_visitors;
DROP TABLE click_visitors;
ALTER TABLE click_visitors_whole RENAME TO click_visitors;
ALTER TABLE click_visitors ADD CONSTRAINT click_visitors_pkey PRIMARY KEY (link_id, day, visitor);
DROP TABLE click_uniques, click_dead_letters;
ALTER TABLE api_keys DROP COLUMN tier;
