-- Up Migration

CREATE TABLE api_keys (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  hash bytea NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE links (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  url text NOT NULL,
  api_key_id bigint REFERENCES api_keys (id),
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Down Migration

DROP TABLE links;
DROP TABLE api_keys;
