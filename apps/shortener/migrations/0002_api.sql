-- Up Migration

-- Keys that were there could make links, and there was nobody to share them with.
ALTER TABLE api_keys
  ADD COLUMN owner text NOT NULL DEFAULT 'default',
  ADD COLUMN scopes text[] NOT NULL DEFAULT '{admin}',
  ADD COLUMN revoked_at timestamptz;
ALTER TABLE api_keys
  ALTER COLUMN owner DROP DEFAULT,
  ALTER COLUMN scopes DROP DEFAULT;

-- No two codes differ in case alone, so one look-up finds an alias however it is written. A deleted link keeps its row,
-- and so its code.
ALTER TABLE links
  ADD COLUMN code_key text GENERATED ALWAYS AS (lower(code COLLATE "C")) STORED UNIQUE,
  ADD COLUMN is_alias boolean NOT NULL DEFAULT false,
  ADD COLUMN owner text NOT NULL DEFAULT 'default',
  ADD COLUMN status smallint NOT NULL DEFAULT 302 CHECK (status IN (301, 302, 307, 308)),
  ADD COLUMN title text,
  ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
  ADD COLUMN starts_at timestamptz,
  ADD COLUMN expires_at timestamptz,
  ADD COLUMN max_visits integer CHECK (max_visits > 0),
  ADD COLUMN visits_used integer NOT NULL DEFAULT 0,
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN deleted_at timestamptz,
  ADD CHECK (starts_at < expires_at),
  DROP CONSTRAINT links_code_key;
ALTER TABLE links ALTER COLUMN owner DROP DEFAULT;
CREATE INDEX links_of_owner ON links (owner, id) WHERE deleted_at IS NULL;
CREATE INDEX links_by_tag ON links USING gin (tags) WHERE deleted_at IS NULL;

-- Who made a link lead elsewhere, and when.
CREATE TABLE target_changes (
  link_id bigint NOT NULL REFERENCES links (id),
  api_key_id bigint REFERENCES api_keys (id),
  at timestamptz NOT NULL DEFAULT now(),
  old_url text NOT NULL,
  new_url text NOT NULL
);
CREATE INDEX target_changes_of_link ON target_changes (link_id, at);

-- The answer to a POST that may be sent again. `status` and `body` come with the same commit as what the POST did.
CREATE TABLE idempotency_keys (
  api_key_id bigint NOT NULL REFERENCES api_keys (id),
  key text NOT NULL,
  request_hash bytea NOT NULL,
  status smallint,
  body text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (api_key_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Down Migration

DROP TABLE idempotency_keys;
DROP TABLE target_changes;
DROP INDEX links_by_tag, links_of_owner;
ALTER TABLE links
  ADD CONSTRAINT links_code_key UNIQUE (code),
  DROP COLUMN code_key, DROP COLUMN is_alias, DROP COLUMN owner, DROP COLUMN status, DROP COLUMN title, DROP COLUMN tags,
  DROP COLUMN starts_at, DROP COLUMN expires_at, DROP COLUMN max_visits, DROP COLUMN visits_used, DROP COLUMN updated_at,
  DROP COLUMN deleted_at;
ALTER TABLE api_keys DROP COLUMN owner, DROP COLUMN scopes, DROP COLUMN revoked_at;
