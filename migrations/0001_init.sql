-- People, pages, and on each page the highlights and replies that its readers see: each row carries the
-- number of its last change, so that a snapshot, a replay and the live stream are the same query.
-- +goose Up

-- One row: what this database is. A restored backup gets another epoch, so that no cursor of the lost time is believed.
CREATE TABLE server (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch    uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO server DEFAULT VALUES;

CREATE TABLE accounts (
  id            uuid PRIMARY KEY,
  name          text NOT NULL,
  name_key      text NOT NULL UNIQUE,          -- the name case-folded: what "taken" compares
  password_hash text,                          -- argon2id; null: a name without a password
  operator      boolean NOT NULL DEFAULT false, -- sees how the server does
  rights        bigint NOT NULL DEFAULT 0,     -- counts the changes of what the account may read or do
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,                   -- its row stays, without a name, for the tombstones of what it wrote
  erased_at     timestamptz                    -- when what it wrote was gone, too
);

-- Who signs in with a provider of OpenID Connect: what it calls somebody is theirs for ever.
CREATE TABLE identities (
  issuer     text NOT NULL,
  subject    text NOT NULL,
  account_id uuid NOT NULL REFERENCES accounts,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_account ON identities (account_id);

CREATE TABLE tokens (
  id         uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  kind       text NOT NULL,                    -- session or token
  name       text NOT NULL DEFAULT '',
  scopes     text[] NOT NULL,                  -- some of read, write, admin
  hash       bytea NOT NULL UNIQUE,            -- SHA-256; the token itself is never stored
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX tokens_account ON tokens (account_id);

-- What passes through an address instead of a token: good for a minute, and once, for who knows what its challenge is of.
CREATE TABLE codes (
  hash       bytea PRIMARY KEY,                -- SHA-256
  account_id uuid NOT NULL REFERENCES accounts,
  challenge  bytea NOT NULL,                   -- SHA-256 of the secret that it is redeemed with (RFC 7636)
  expires_at timestamptz NOT NULL
);
CREATE INDEX codes_account ON codes (account_id);

-- The nil UUID (the public) and an account's id (what only that account reads) are in the place of a group's, too, so no
-- group may have such an id. A group whose row is gone leaves nothing readable behind.
CREATE TABLE groups (
  id           uuid PRIMARY KEY,
  name         text NOT NULL,
  name_key     text NOT NULL CONSTRAINT groups_name UNIQUE, -- as in accounts; of a deleted group its id
  kind         text NOT NULL,                  -- open: anybody reads and joins; closed: by invitation, and hidden
  request_hash bytea,                          -- as in highlights
  created_at   timestamptz NOT NULL DEFAULT now(),
  deleted_at   timestamptz,
  erased_at    timestamptz                     -- when what stood in it was gone, too
);
CREATE INDEX groups_created ON groups (created_at, id) WHERE kind = 'open' AND deleted_at IS NULL;

-- What the names of accounts and groups look like: no two of a kind may be taken for each other.
CREATE TABLE looks (
  kind     text NOT NULL,                      -- account or group
  hash     bytea NOT NULL,                     -- SHA-256 of one of its looks: see storage/names.go
  owner_id uuid NOT NULL,
  PRIMARY KEY (kind, hash)
);
CREATE INDEX looks_owner ON looks (owner_id);

CREATE TABLE members (
  group_id   uuid NOT NULL REFERENCES groups,
  account_id uuid NOT NULL REFERENCES accounts,
  role       text NOT NULL,                    -- reader, member, moderator or owner
  joined_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (group_id, account_id)
);
CREATE INDEX members_account ON members (account_id, joined_at, group_id);

CREATE TABLE invites (
  id         uuid PRIMARY KEY,
  group_id   uuid NOT NULL REFERENCES groups,
  hash       bytea NOT NULL UNIQUE,            -- SHA-256 of the code, which is never stored
  role       text NOT NULL,
  max_uses   integer NOT NULL,
  uses       integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX invites_group ON invites (group_id, created_at, id);

-- Who did what in a group, for those who moderate it.
CREATE TABLE group_log (
  group_id     uuid NOT NULL REFERENCES groups,
  at           timestamptz NOT NULL,
  id           uuid NOT NULL,
  by_id        uuid NOT NULL REFERENCES accounts,
  action       text NOT NULL,
  account_id   uuid REFERENCES accounts,       -- to whom, or to whose
  highlight_id uuid,
  detail       text NOT NULL,
  PRIMARY KEY (group_id, at, id)
);

-- A page's id is made from the SHA-256 of its normalised url (its first six bytes are the hash's own), so that a
-- page can be named, watched and searched by hash prefix before anybody has written on it.
CREATE TABLE pages (
  id            uuid PRIMARY KEY,
  url           text NOT NULL,                 -- normalised: the page's identity
  title         text NOT NULL DEFAULT '',
  language      text NOT NULL DEFAULT '',      -- as the page says it (BCP 47)
  seq           bigint NOT NULL DEFAULT 0,     -- the number of the page's last change
  swept_seq     bigint NOT NULL DEFAULT 0,     -- up to which tombstones may have been swept away: who holds less begins anew
  created_at    timestamptz NOT NULL DEFAULT now(),
  check_due_at  timestamptz,                   -- when the page is to be visited, for whatever reason; null: there is none
  read_at       timestamptz,                   -- when the page was last read
  read_reason   text NOT NULL DEFAULT '',      -- why it could not be read then; empty: it could
  read_due_at   timestamptz,                   -- when it is to be read again, to see whether it has changed; null: never
  read_interval interval NOT NULL DEFAULT '0', -- between two readings; follows how often the page changes
  read_failures integer NOT NULL DEFAULT 0,    -- readings in a row that have failed
  content_hash  bytea NOT NULL DEFAULT '',     -- of what the last reading that did not fail found
  etag          text NOT NULL DEFAULT '',      -- likewise, to ask only for what changed
  last_modified text NOT NULL DEFAULT ''
) WITH (fillfactor = 50);                      -- every change updates its page's row in place
CREATE INDEX pages_check_due ON pages (check_due_at) WHERE check_due_at IS NOT NULL;

-- What highlights and replies refer to is there without foreign keys to these two, which would look for it and lock it for every row:
-- who writes one holds its page's row and has found its author's, and rows of pages and accounts stay for ever.
-- +goose StatementBegin
CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE foreign_key_violation USING MESSAGE = format('rows of %s stay: others refer to them', TG_TABLE_NAME);
END $$;
-- +goose StatementEnd
CREATE TRIGGER pages_stay BEFORE DELETE ON pages FOR EACH STATEMENT EXECUTE FUNCTION stays();
CREATE TRIGGER accounts_stay BEFORE DELETE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION stays();

-- group_id is who may read: the nil UUID for the public, the author's own id for the author alone, or a group's.
-- A hidden thing is in a group of its own, which only those read who moderate (storage.hiddenIn).
-- left_groups are those that could read it once: they are told that it is gone, nobody else is.
-- A deleted row stays as a tombstone with a number for some months (storage/retention.go); its content goes at once.
CREATE TABLE highlights (
  page_id      uuid NOT NULL,                  -- of a row of pages: who writes holds it
  id           uuid NOT NULL,
  seq          bigint NOT NULL,
  version      bigint NOT NULL DEFAULT 1,
  author_id    uuid NOT NULL,                  -- of a row of accounts
  group_id     uuid NOT NULL,
  left_groups  uuid[] NOT NULL DEFAULT '{}',
  title        text NOT NULL DEFAULT '',       -- the page's as its author saw it, which is theirs to show: of a public one the page has it
  ranges       jsonb NOT NULL,
  color        text NOT NULL,
  note         text NOT NULL,
  tags         text[] NOT NULL,
  replies      bigint NOT NULL DEFAULT 0,
  attachments  jsonb NOT NULL DEFAULT '[]',    -- what each reader is told of its attachments
  check_state  text NOT NULL,
  check_reason text NOT NULL DEFAULT '',
  checked_at   timestamptz,
  verified_at  timestamptz,                    -- when it was first verified: most highlights have no other history
  check_ranges jsonb,                          -- where the quotes stand now, when check_state is moved
  canonical    text,                          -- the IRIs that it came with over the Web Annotation Protocol
  via          text,
  request_hash bytea,                          -- SHA-256 of the creating request: the same id again is a replay or a conflict
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  deleted_at   timestamptz,
  PRIMARY KEY (page_id, id)
);
CREATE UNIQUE INDEX highlights_id ON highlights (id);
CREATE UNIQUE INDEX highlights_seq ON highlights (page_id, seq);
CREATE INDEX highlights_group ON highlights (group_id, created_at, id)
  WHERE deleted_at IS NULL AND group_id <> '00000000-0000-0000-0000-000000000000'; -- most are public, and found by their page
CREATE INDEX highlights_author ON highlights (author_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX highlights_created ON highlights (created_at, id) INCLUDE (page_id, author_id, group_id)
  WHERE deleted_at IS NULL;                    -- what is popular is counted by it alone
CREATE INDEX highlights_deleted ON highlights (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX highlights_updated ON highlights (updated_at, id) WHERE deleted_at IS NULL;

-- What happened to a highlight since it was made, but that it was first verified. All of it goes when it is deleted.
CREATE TABLE history (
  page_id      uuid NOT NULL,
  highlight_id uuid NOT NULL,
  at           timestamptz NOT NULL,           -- read from the clock under the page's lock: in the order of the changes
  id           uuid NOT NULL,
  account_id   uuid REFERENCES accounts,       -- who; null: the server
  kind         text NOT NULL,                  -- edited, checked, reanchored, hidden or shown
  fields       text[] NOT NULL DEFAULT '{}',   -- what was edited
  state        text,                           -- what the check found
  reason       text NOT NULL DEFAULT '',
  ranges       jsonb,                          -- where the check found it moved to, or what it left when it was reanchored
  PRIMARY KEY (page_id, highlight_id, at, id),
  FOREIGN KEY (page_id, highlight_id) REFERENCES highlights
);

-- What members want those who moderate to look at. It goes when that is erased.
CREATE TABLE flags (
  page_id      uuid NOT NULL,
  highlight_id uuid NOT NULL,
  account_id   uuid NOT NULL REFERENCES accounts,
  id           uuid NOT NULL,
  reason       text NOT NULL,
  at           timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (page_id, highlight_id, account_id),
  FOREIGN KEY (page_id, highlight_id) REFERENCES highlights
);
CREATE INDEX flags_account ON flags (account_id);

CREATE TABLE replies (
  page_id      uuid NOT NULL,
  id           uuid NOT NULL,
  highlight_id uuid NOT NULL,
  in_reply_to  uuid,
  seq          bigint NOT NULL,
  version      bigint NOT NULL DEFAULT 1,
  author_id    uuid NOT NULL,                  -- as in highlights
  group_id     uuid NOT NULL,                  -- its highlight's, kept equal
  left_groups  uuid[] NOT NULL DEFAULT '{}',
  note         text NOT NULL,
  attachments  jsonb NOT NULL DEFAULT '[]',    -- as in highlights
  canonical    text,                          -- as in highlights
  via          text,
  request_hash bytea,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  deleted_at   timestamptz,
  PRIMARY KEY (page_id, id),
  FOREIGN KEY (page_id, highlight_id) REFERENCES highlights
);
CREATE UNIQUE INDEX replies_id ON replies (id);
CREATE UNIQUE INDEX replies_seq ON replies (page_id, seq);
CREATE INDEX replies_deleted ON replies (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX replies_author ON replies (author_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX replies_group ON replies (group_id, created_at, id)
  WHERE deleted_at IS NULL AND group_id <> '00000000-0000-0000-0000-000000000000'; -- as highlights_group
CREATE INDEX replies_thread ON replies (page_id, highlight_id, created_at, id) WHERE deleted_at IS NULL;

-- Pictures and files on highlights and replies. Who reads the highlight reads them. They arrive in pieces, each committed by
-- itself; until stored_at is set nobody is told of them, and after a while they are swept away.
CREATE TABLE attachments (
  page_id      uuid NOT NULL,
  id           uuid NOT NULL,
  highlight_id uuid NOT NULL,
  reply_id     uuid,                           -- under it; null: on the highlight itself
  account_id   uuid NOT NULL REFERENCES accounts, -- whose room it takes
  name         text NOT NULL,
  type         text NOT NULL DEFAULT '',       -- as its first bytes say
  size         bigint NOT NULL,                -- bytes; until it is stored those it may take
  hash         bytea,                          -- SHA-256
  created_at   timestamptz NOT NULL DEFAULT now(),
  stored_at    timestamptz,
  PRIMARY KEY (page_id, id),
  FOREIGN KEY (page_id, highlight_id) REFERENCES highlights
);
CREATE UNIQUE INDEX attachments_id ON attachments (id);
CREATE INDEX attachments_highlight ON attachments (page_id, highlight_id);
CREATE INDEX attachments_account ON attachments (account_id);
CREATE INDEX attachments_arriving ON attachments (created_at) WHERE stored_at IS NULL;

CREATE TABLE attachment_pieces (
  page_id       uuid NOT NULL,
  attachment_id uuid NOT NULL,
  place         bigint NOT NULL,               -- of its first byte
  content       bytea NOT NULL,
  PRIMARY KEY (page_id, attachment_id, place),
  CONSTRAINT attachment_erased FOREIGN KEY (page_id, attachment_id) REFERENCES attachments ON DELETE CASCADE
);
ALTER TABLE attachment_pieces ALTER COLUMN content SET STORAGE EXTERNAL; -- pictures do not get smaller

-- What clients had queued and was done: asked for again, it is not done again.
CREATE TABLE operations (
  account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  id         uuid NOT NULL,                    -- chosen by the client
  hash       bytea NOT NULL,                   -- SHA-256 of what was asked for
  thing_id   uuid NOT NULL,                    -- the highlight or reply that it made, changed or erased
  done_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (account_id, id)
);
CREATE INDEX operations_done ON operations USING brin (done_at); -- written in this order

-- Who reads which page through which instance, so that every instance can tell its readers of all of them.
-- Not logged: after a crash nobody is connected.
CREATE UNLOGGED TABLE instances (
  id      uuid PRIMARY KEY,
  seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNLOGGED TABLE viewers (
  page_id     uuid NOT NULL,
  instance_id uuid NOT NULL REFERENCES instances ON DELETE CASCADE,
  account_id  uuid NOT NULL,                   -- the nil UUID stands for all anonymous readers together
  streams     bigint NOT NULL,
  PRIMARY KEY (page_id, instance_id, account_id)
);
CREATE INDEX viewers_account ON viewers (account_id);
CREATE INDEX viewers_instance ON viewers (instance_id);

-- The feed for other programs: which topic it is written to, by which instance, and how far it has each page. Another
-- topic or epoch is another edition, which begins with every page.
CREATE TABLE feed (
  only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  edition      uuid,                           -- null: none was begun
  topic_id     uuid,                           -- Kafka's own; one that is deleted and made again has another
  epoch        uuid,
  partitions   integer,                        -- how many the topic had when it was begun: pages stay in theirs if it gets more
  leader       uuid,                           -- the instance that writes it
  leader_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO feed DEFAULT VALUES;
CREATE TABLE feed_pages (
  page_id uuid PRIMARY KEY REFERENCES pages,
  edition uuid NOT NULL,
  seq     bigint NOT NULL                      -- all changes up to this number are in the topic
) WITH (fillfactor = 50);                      -- as pages

-- What can be searched for of each highlight with its thread (storage/search.go). It follows what is written: search_due
-- names what has changed, whoever changes it, and is emptied within a second.
CREATE TABLE search (
  page_id    uuid NOT NULL,
  id         uuid NOT NULL,                    -- the highlight's
  group_id   uuid NOT NULL,                    -- these as the highlight had them: what may be read is asked of it, too
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  color      text NOT NULL,
  language   text NOT NULL,                    -- of the configuration words_…
  body       text NOT NULL,                    -- its words, in lower case
  words      tsvector NOT NULL,
  PRIMARY KEY (page_id, id),
  FOREIGN KEY (page_id, id) REFERENCES highlights -- which also tells the planner that each is found once
);
CREATE INDEX search_created ON search (created_at, id);
CREATE INDEX search_updated ON search (updated_at, id);
CREATE INDEX search_words ON search USING gin (words) WITH (gin_pending_list_limit = 512); -- kB, which each search reads through
-- What a phrase and a sign alone are found by: of words that follow each other, and of what scripts without spaces begin a word with,
-- a number below 2^20. Many share one, so it only says where to look; one for each would take ten times the room.
CREATE FUNCTION neighbours(words tsvector) RETURNS integer[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(hashtext(said) & 1048575), '{}') FROM (
    SELECT lexeme || ' ' || lead(lexeme) OVER (ORDER BY place) AS said
    FROM unnest(words) AS w (lexeme, places, weights), unnest(places) AS place
    UNION ALL
    SELECT left(lexeme, 1) FROM unnest(words) AS w (lexeme, places, weights) WHERE lexeme >= U&'\0E00' COLLATE "C"
  ) heard WHERE said IS NOT NULL
$$;
CREATE INDEX search_neighbours ON search USING gin (neighbours(words)) WITH (gin_pending_list_limit = 512);
ALTER INDEX search_neighbours ALTER COLUMN 1 SET STATISTICS 0; -- nothing is planned by them
CREATE TABLE search_due (                      -- without a key: it is only written at its end, and taken from its beginning
  page_id uuid NOT NULL,
  id      uuid NOT NULL
);
CREATE TABLE search_languages (
  name text PRIMARY KEY                        -- that there are in search
);

-- No word is left out for being common: who searches for a phrase, or in another language, would not find it.
-- +goose StatementBegin
DO $$
DECLARE
  language text;
BEGIN
  CREATE TEXT SEARCH CONFIGURATION words_simple (COPY = pg_catalog.simple);
  FOREACH language IN ARRAY ARRAY['arabic', 'armenian', 'basque', 'catalan', 'danish', 'dutch', 'english', 'finnish', 'french', 'german',
    'greek', 'hindi', 'hungarian', 'indonesian', 'irish', 'italian', 'lithuanian', 'nepali', 'norwegian', 'portuguese', 'romanian', 'russian',
    'serbian', 'spanish', 'swedish', 'tamil', 'turkish', 'yiddish'] LOOP
    EXECUTE format('CREATE TEXT SEARCH DICTIONARY stem_%s (TEMPLATE = pg_catalog.snowball, LANGUAGE = %1$s)', language);
    EXECUTE format('CREATE TEXT SEARCH CONFIGURATION words_%s (COPY = pg_catalog.simple)', language);
    EXECUTE format('ALTER TEXT SEARCH CONFIGURATION words_%s ALTER MAPPING FOR asciiword, word WITH stem_%1$s', language);
  END LOOP;
END $$;
CREATE FUNCTION search_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_due (page_id, id) SELECT page_id, id FROM written;
  RETURN NULL;
END $$;
CREATE FUNCTION search_answered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_due (page_id, id) SELECT DISTINCT page_id, highlight_id FROM written;
  RETURN NULL;
END $$;
CREATE FUNCTION search_edited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_due (page_id, id) VALUES (NEW.page_id, NEW.id);
  RETURN NULL;
END $$;
CREATE FUNCTION search_answer_edited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_due (page_id, id) VALUES (NEW.page_id, NEW.highlight_id);
  RETURN NULL;
END $$;
CREATE FUNCTION search_page_learned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_due (page_id, id) SELECT page_id, id FROM highlights WHERE page_id = NEW.id AND deleted_at IS NULL;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER search_written AFTER INSERT ON highlights REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION search_written();
CREATE TRIGGER search_edited AFTER UPDATE OF title, ranges, note, tags, color, group_id, updated_at ON highlights
  FOR EACH ROW WHEN ((OLD.title, OLD.ranges, OLD.note, OLD.tags, OLD.color, OLD.group_id, OLD.updated_at)
    IS DISTINCT FROM (NEW.title, NEW.ranges, NEW.note, NEW.tags, NEW.color, NEW.group_id, NEW.updated_at))
  EXECUTE FUNCTION search_edited();
CREATE TRIGGER search_answered AFTER INSERT ON replies REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION search_answered();
CREATE TRIGGER search_answer_edited AFTER UPDATE OF note ON replies
  FOR EACH ROW WHEN (OLD.note <> NEW.note) EXECUTE FUNCTION search_answer_edited();
CREATE TRIGGER search_page_learned AFTER UPDATE OF title, language ON pages
  FOR EACH ROW WHEN (OLD.title <> NEW.title OR OLD.language <> NEW.language) EXECUTE FUNCTION search_page_learned();

-- Addresses that are told what changes (storage/webhooks.go). webhook_due names pages that have changed, with the number
-- before, and is dealt out to webhook_pages: how far each webhook was told each page, for as long as that matters.
CREATE TABLE webhooks (
  id            uuid PRIMARY KEY,
  account_id    uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
  url           text NOT NULL,
  secret        text NOT NULL,                 -- as it is: deliveries are signed with it
  only_page     uuid,                          -- null: all
  only_group    text,                          -- as the API names it; null: all that the account reads
  created_at    timestamptz NOT NULL,
  failures      integer NOT NULL DEFAULT 0,    -- in a row
  failing_since timestamptz,
  retry_at      timestamptz,                   -- not before; null: at any time
  reason        text NOT NULL DEFAULT '',      -- of the last failure
  disabled_at   timestamptz
);
CREATE INDEX webhooks_account ON webhooks (account_id, created_at, id);
CREATE TABLE webhook_due (                     -- as search_due
  page_id uuid NOT NULL,
  seq     bigint NOT NULL,
  at      timestamptz NOT NULL
);
CREATE TABLE webhook_pages (
  webhook_id   uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
  page_id      uuid NOT NULL,
  seq          bigint NOT NULL,                -- everything up to this number was told
  due_at       timestamptz NOT NULL,           -- since when there may be more; infinity: there is not
  told_at      timestamptz NOT NULL DEFAULT now(),
  lease        uuid,                           -- of who tells it at the moment
  leased_until timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (webhook_id, page_id)
) WITH (fillfactor = 50);
CREATE INDEX webhook_pages_due ON webhook_pages (webhook_id, due_at);
CREATE TABLE webhook_deliveries (
  webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
  at         timestamptz NOT NULL,
  id         uuid NOT NULL,
  message_id uuid NOT NULL,                    -- the same in each attempt
  type       text NOT NULL,
  page       uuid,
  seq        bigint,
  status     integer NOT NULL,                 -- 0: there was no answer
  reason     text NOT NULL,
  PRIMARY KEY (webhook_id, at, id)
);
-- +goose StatementBegin
CREATE FUNCTION webhook_page_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM webhooks WHERE disabled_at IS NULL) THEN
    INSERT INTO webhook_due (page_id, seq, at) VALUES (NEW.id, OLD.seq, clock_timestamp());
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER webhook_page_changed AFTER UPDATE OF seq ON pages
  FOR EACH ROW WHEN (NEW.seq > OLD.seq) EXECUTE FUNCTION webhook_page_changed();
