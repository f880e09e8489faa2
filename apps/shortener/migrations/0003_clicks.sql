-- Up Migration

-- Every click once: a second delivery of an event finds its first here, and counts nothing.
CREATE TABLE click_events (
  day date NOT NULL,
  event_id text NOT NULL,
  link_id bigint NOT NULL,
  ts timestamptz NOT NULL,
  referrer text NOT NULL,
  browser text NOT NULL,
  is_bot boolean NOT NULL,
  visitor bytea,
  PRIMARY KEY (day, event_id)
) PARTITION BY RANGE (day);
CREATE TABLE click_events_default PARTITION OF click_events DEFAULT;

CREATE TABLE click_totals (
  link_id bigint PRIMARY KEY,
  clicks bigint NOT NULL,
  bots bigint NOT NULL
);

CREATE TABLE click_hourly (
  link_id bigint NOT NULL,
  hour timestamptz NOT NULL,
  clicks bigint NOT NULL,
  bots bigint NOT NULL,
  PRIMARY KEY (link_id, hour)
);

-- Clicks of a day by where they came from and by browser.
CREATE TABLE click_daily (
  link_id bigint NOT NULL,
  day date NOT NULL,
  dimension text NOT NULL CHECK (dimension IN ('referrer', 'browser')),
  value text NOT NULL,
  clicks bigint NOT NULL,
  PRIMARY KEY (link_id, day, dimension, value)
);

-- The different people of a day, as hashes that nothing can be made of once the day's salt is deleted.
CREATE TABLE click_visitors (
  link_id bigint NOT NULL,
  day date NOT NULL,
  visitor bytea NOT NULL,
  PRIMARY KEY (link_id, day, visitor)
);

CREATE TABLE visitor_salts (
  day date PRIMARY KEY,
  salt bytea NOT NULL
);

-- Down Migration

DROP TABLE visitor_salts, click_visitors, click_daily, click_hourly, click_totals, click_events;
