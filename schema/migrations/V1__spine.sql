-- The spine: devices and their certificates, service clients and their rights, the numbered log of
-- changes that hook-service follows, its leases, the outbox, and two roles with least rights.
--
-- How a change gets its number (docs/ARCHITECTURE.md tells the story, this file is the mechanism):
--   1. A statement writes device, certificate or a service_client table. Its statement-level trigger
--      writes one change_entry per thing whose *hook columns* changed, under this transaction's id,
--      and one change_marker row for the transaction.
--   2. At commit the deferred trigger on change_marker, the last to fire, takes one advisory lock,
--      inserts change(number = max + 1), and notifies. The lock is held until the transaction has
--      ended, so numbers have no gap and stand in commit order.
--   Entries are found through the transaction's id (view change_item) and never moved: under the lock
--   only one header row is written, however many rows the transaction changed.
--
-- Hook columns, the ones that change an answer of hook-service: device(device_id, lifecycle,
-- suspended); certificate(fingerprint, device_id, state, not_after); service_client(name, disabled);
-- service_client_certificate(fingerprint, name, state, not_after); service_client_right(all).
--
-- What bypasses triggers (restore of data only, DISABLE TRIGGER, logical replication into these
-- tables) must call bump_epoch() afterwards; readers then load everything anew.
--
-- Texts that are compared as bytes by the programs are COLLATE "C" throughout.

------------------------------------------------------------------------------------------- grammars
-- The same grammars as the newtypes of crate `schema`; a test compares them.

-- Client ids of devices are these bare ids, so no '.', '/', '+', '#' (topics), and no blank.
CREATE FUNCTION is_device_id(id text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN id COLLATE "C" ~ '^[A-Za-z0-9_-]{1,64}$';

-- Part of client ids `svc.<name>.<instance>` and of certificate names `svc.<name>`.
CREATE FUNCTION is_service_client_name(name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN name COLLATE "C" ~ '^[a-z0-9-]{1,32}$';

-- A filter that EMQX can be given in an acl rule without admitting more than it says.
CREATE FUNCTION is_topic_filter(filter text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN octet_length(filter) BETWEEN 1 AND 256
       AND filter COLLATE "C" !~ '[\u0001-\u001f\u007f-\u009f]'
       -- '+' and '#' take a whole level, '#' the last one (MQTT 5, 4.7.1).
       AND filter COLLATE "C" ~ '^(#|([^+#/]*|\+)(/([^+#/]*|\+))*(/#)?)$'
       -- '$SYS', '$share', '$queue', '$delayed', '$exclusive': never a right.
       AND filter COLLATE "C" !~ '^\$'
       -- EMQX expands '${..}' in rules with raw client data: a wildcard injection.
       AND position('${' IN filter) = 0
       -- EMQX reads 'eq x' as "exactly x".
       AND filter COLLATE "C" !~ '^eq '
       -- EMQX's allow 'p/+' admits SUBSCRIBE 'p/#' too. `deny eq p/#` closes that for a literal p
       -- only, so a '+' in last place (or before a last '#') must not follow another '+'.
       AND filter COLLATE "C" !~ '(^|/)\+/(.*/)?\+(/#)?$';

-------------------------------------------------------------------------------------------- devices
CREATE TABLE device (
    device_id        text COLLATE "C" PRIMARY KEY CHECK (is_device_id(device_id)),
    lifecycle        text COLLATE "C" NOT NULL DEFAULT 'unbound'
                     CHECK (lifecycle IN ('unbound', 'pending', 'bound', 'revoked')),
    suspended        boolean NOT NULL DEFAULT false,
    model            text NOT NULL CHECK (char_length(model) BETWEEN 1 AND 64),
    firmware_version text CHECK (char_length(firmware_version) BETWEEN 1 AND 64),
    -- SubjectPublicKeyInfo, DER. P-256 takes 91 bytes.
    public_key       bytea NOT NULL CHECK (octet_length(public_key) BETWEEN 1 AND 512),
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    revoked_at       timestamptz
);

CREATE TABLE certificate (
    -- SHA-256 over the DER.
    fingerprint       bytea PRIMARY KEY CHECK (octet_length(fingerprint) = 32),
    device_id         text COLLATE "C" NOT NULL REFERENCES device,
    -- At most 20 bytes (RFC 5280, 4.1.2.2).
    serial            bytea NOT NULL UNIQUE CHECK (octet_length(serial) BETWEEN 1 AND 20),
    state             text COLLATE "C" NOT NULL DEFAULT 'active'
                      CHECK (state IN ('active', 'retired', 'revoked')),
    not_before        timestamptz NOT NULL,
    not_after         timestamptz NOT NULL CHECK (not_after > not_before),
    der               bytea NOT NULL CHECK (octet_length(der) BETWEEN 1 AND 16384),
    issued_at         timestamptz NOT NULL DEFAULT now(),
    ended_at          timestamptz,
    revocation_reason text CHECK (char_length(revocation_reason) BETWEEN 1 AND 64)
);
CREATE INDEX certificate_device ON certificate (device_id);
-- What a revocation list is made of.
CREATE INDEX certificate_revoked ON certificate (ended_at) WHERE state = 'revoked';

------------------------------------------------------------------------------------ service clients
CREATE TABLE service_client (
    name       text COLLATE "C" PRIMARY KEY CHECK (is_service_client_name(name)),
    disabled   boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE service_client_certificate (
    fingerprint bytea PRIMARY KEY CHECK (octet_length(fingerprint) = 32),
    name        text COLLATE "C" NOT NULL REFERENCES service_client ON DELETE CASCADE,
    state       text COLLATE "C" NOT NULL DEFAULT 'active'
                CHECK (state IN ('active', 'retired', 'revoked')),
    not_after   timestamptz NOT NULL,
    issued_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX service_client_certificate_name ON service_client_certificate (name);

CREATE TABLE service_client_right (
    name         text COLLATE "C" NOT NULL REFERENCES service_client ON DELETE CASCADE,
    action       text COLLATE "C" NOT NULL CHECK (action IN ('publish', 'subscribe')),
    topic_filter text COLLATE "C" NOT NULL CHECK (is_topic_filter(topic_filter)),
    PRIMARY KEY (name, action, topic_filter)
);

----------------------------------------------------------------------------------------- change log
CREATE TABLE change (
    number bigint PRIMARY KEY CHECK (number > 0),
    -- Null after bump_epoch(): transaction ids of another cluster say nothing here.
    txid   xid8 UNIQUE DEFAULT pg_current_xact_id(),
    items  integer NOT NULL CHECK (items >= 0),
    at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE change_entry (
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('device', 'service_client')),
    id   text COLLATE "C" NOT NULL,
    PRIMARY KEY (txid, kind, id)
);

-- One large transaction must not make the planner believe that all are: it would read the whole log
-- for each change. Half a dozen entries a transaction is the rule.
ALTER TABLE change_entry ALTER COLUMN txid SET (n_distinct = -0.2);

-- What a reader asks for: the things that changed under a number.
CREATE VIEW change_item AS
    SELECT change.number, entry.kind, entry.id
      FROM change
      JOIN change_entry AS entry USING (txid);

-- One row while its transaction runs, deleted before it commits: always empty for everybody else,
-- so losing it in a crash (UNLOGGED) loses nothing.
CREATE UNLOGGED TABLE change_marker (
    txid xid8 PRIMARY KEY DEFAULT pg_current_xact_id()
);

-- One row. Another epoch tells every reader to forget what it knows and load everything.
CREATE TABLE feed_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch    uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO feed_state DEFAULT VALUES;

-- One row per run of a hook-service process; a new uuid for every start and every lapse.
CREATE TABLE hook_lease (
    process_uuid uuid PRIMARY KEY,
    replica_name text NOT NULL CHECK (char_length(replica_name) BETWEEN 1 AND 128),
    applied      bigint NOT NULL CHECK (applied >= 0),
    renewals     bigint NOT NULL DEFAULT 0 CHECK (renewals >= 0),
    -- The bound H of that process, in milliseconds.
    length_ms    integer NOT NULL CHECK (length_ms BETWEEN 1 AND 300000)
);

-------------------------------------------------------------------------------------- outward effects
CREATE TABLE outbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What to do, for example 'end_device_sessions'.
    kind            text COLLATE "C" NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 64),
    -- To whom: a device id.
    subject         text COLLATE "C" NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 256),
    payload         jsonb NOT NULL DEFAULT '{}',
    txid            xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- The number of the transaction that wrote this row; null if it changed nothing for the hooks.
    change_number   bigint,
    state           text COLLATE "C" NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'done', 'dead')),
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error      text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    done_at         timestamptz
);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE state = 'pending';
CREATE INDEX outbox_subject ON outbox (subject, id);
-- Found by the numbering trigger while it holds the lock.
CREATE INDEX outbox_unnumbered ON outbox (txid) WHERE change_number IS NULL AND state = 'pending';

CREATE TABLE idempotency_key (
    account         text COLLATE "C" NOT NULL CHECK (char_length(account) BETWEEN 1 AND 256),
    key             text COLLATE "C" NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    -- SHA-256 of the request, so that a key reused for something else is seen.
    request_hash    bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    -- Null while the first request with this key is still running.
    response_status integer CHECK (response_status BETWEEN 100 AND 599),
    response_body   jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account, key)
);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);

-------------------------------------------------------------------------- collecting what changed
-- All trigger functions run with the rights of their owner, so that a writer needs none on the log,
-- and with a fixed search_path, so that a writer's own objects can never stand in for ours.
-- A FULL JOIN by key sees a changed key as one row gone and one row new.

CREATE FUNCTION note_changes(kind text, ids text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF ids IS NULL THEN
        RETURN; -- no row changed in a hook column
    END IF;
    INSERT INTO change_entry (kind, id)
    SELECT note_changes.kind, changed.id FROM unnest(ids) AS changed (id)
    ON CONFLICT DO NOTHING;
    -- Also when every entry existed: entries left over from another cluster must end in the refusal
    -- of number_change(), never in a change without a number.
    INSERT INTO change_marker DEFAULT VALUES ON CONFLICT DO NOTHING;
END
$$;

CREATE FUNCTION collect_device() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT device_id) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT device_id) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(DISTINCT device_id) INTO ids
          FROM old_rows AS o
          FULL JOIN new_rows AS n USING (device_id)
         WHERE (o.lifecycle, o.suspended) IS DISTINCT FROM (n.lifecycle, n.suspended);
    END IF;
    PERFORM note_changes('device', ids);
    RETURN NULL;
END
$$;

-- A certificate's change is its device's: hook-service keeps certificates inside the device.
CREATE FUNCTION collect_certificate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT device_id) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT device_id) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(DISTINCT owner.device_id) INTO ids
          FROM old_rows AS o
          FULL JOIN new_rows AS n USING (fingerprint)
         CROSS JOIN LATERAL (VALUES (o.device_id), (n.device_id)) AS owner (device_id)
         WHERE (o.device_id, o.state, o.not_after)
               IS DISTINCT FROM (n.device_id, n.state, n.not_after)
           AND owner.device_id IS NOT NULL;
    END IF;
    PERFORM note_changes('device', ids);
    RETURN NULL;
END
$$;

CREATE FUNCTION collect_service_client() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT name) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT name) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(DISTINCT name) INTO ids
          FROM old_rows AS o
          FULL JOIN new_rows AS n USING (name)
         WHERE o.disabled IS DISTINCT FROM n.disabled;
    END IF;
    PERFORM note_changes('service_client', ids);
    RETURN NULL;
END
$$;

CREATE FUNCTION collect_service_client_certificate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT name) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT name) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(DISTINCT owner.name) INTO ids
          FROM old_rows AS o
          FULL JOIN new_rows AS n USING (fingerprint)
         CROSS JOIN LATERAL (VALUES (o.name), (n.name)) AS owner (name)
         WHERE (o.name, o.state, o.not_after) IS DISTINCT FROM (n.name, n.state, n.not_after)
           AND owner.name IS NOT NULL;
    END IF;
    PERFORM note_changes('service_client', ids);
    RETURN NULL;
END
$$;

-- Every column of a right is part of its key, so an update that changes anything is a row gone and a
-- row new.
CREATE FUNCTION collect_service_client_right() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT name) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT name) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(DISTINCT name) INTO ids FROM (
            (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows)
            UNION
            (SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows)
        ) AS changed;
    END IF;
    PERFORM note_changes('service_client', ids);
    RETURN NULL;
END
$$;

-- Three triggers a table, because a trigger with transition tables takes one event. ENABLE ALWAYS:
-- they fire in sessions with session_replication_role = replica too.
DO $$
DECLARE
    watched text;
BEGIN
    FOREACH watched IN ARRAY ARRAY['device', 'certificate', 'service_client',
                                   'service_client_certificate', 'service_client_right']
    LOOP
        EXECUTE format(
            'CREATE TRIGGER change_insert AFTER INSERT ON %1$I REFERENCING NEW TABLE AS new_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER change_update AFTER UPDATE ON %1$I
                 REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER change_delete AFTER DELETE ON %1$I REFERENCING OLD TABLE AS old_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             ALTER TABLE %1$I ENABLE ALWAYS TRIGGER change_insert;
             ALTER TABLE %1$I ENABLE ALWAYS TRIGGER change_update;
             ALTER TABLE %1$I ENABLE ALWAYS TRIGGER change_delete',
            watched, 'collect_' || watched);
    END LOOP;
END
$$;

------------------------------------------------------------------------------------------- numbering
CREATE FUNCTION number_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    this_number bigint;
    item_count  integer;
BEGIN
    -- With an older snapshot max(number) would miss what committed since.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a transaction that changes devices, certificates or service clients must run READ COMMITTED, not %',
                        upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'invalid_transaction_state',
                  HINT = 'Begin it with ISOLATION LEVEL READ COMMITTED and lock the rows it decides on.';
    END IF;
    -- A second number for one transaction would break commit order.
    IF EXISTS (SELECT FROM change WHERE txid = NEW.txid) THEN
        RAISE EXCEPTION 'transaction % has a change number already', NEW.txid
            USING ERRCODE = 'invalid_transaction_state',
                  HINT = 'Never SET CONSTRAINTS in such a transaction. If this database was restored from a dump, run `schema bump-epoch`.';
    END IF;
    SELECT count(*) INTO item_count FROM change_entry WHERE txid = NEW.txid;

    -- 'iot_hub1' as a number. Held until this transaction has ended: the order of numbers is the
    -- order of commits.
    PERFORM pg_advisory_xact_lock(7597419049520554545);
    SELECT coalesce(max(number), 0) + 1 INTO this_number FROM change;
    INSERT INTO change (number, txid, items) VALUES (this_number, NEW.txid, item_count);
    UPDATE outbox SET change_number = this_number
     WHERE txid = NEW.txid AND change_number IS NULL AND state = 'pending';
    DELETE FROM change_marker WHERE txid = NEW.txid;
    PERFORM pg_notify('iot_hub_change', this_number::text);
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER number_change AFTER INSERT ON change_marker
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_change();
ALTER TABLE change_marker ENABLE ALWAYS TRIGGER number_change;

-- TRUNCATE shows a trigger no rows. It is refused rather than answered with a new epoch: emptying
-- one of these tables by accident locks the whole fleet out, and DELETE does the same with numbers.
CREATE FUNCTION refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % would bypass the change log', TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported',
              HINT = 'Use DELETE; for the log itself use trim_changes().';
END
$$;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['device', 'certificate', 'service_client',
                                   'service_client_certificate', 'service_client_right',
                                   'change', 'change_entry', 'change_marker', 'feed_state']
    LOOP
        EXECUTE format(
            'CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %1$I
                 FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
             ALTER TABLE %1$I ENABLE ALWAYS TRIGGER refuse_truncate', guarded);
    END LOOP;
END
$$;

------------------------------------------------------------------------------- final states are final
CREATE FUNCTION refuse_return_from_revoked() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a revoked % stays revoked', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_revoked_is_final';
END
$$;

CREATE TRIGGER device_revoked_is_final BEFORE UPDATE OF lifecycle ON device
    FOR EACH ROW WHEN (OLD.lifecycle = 'revoked' AND NEW.lifecycle <> 'revoked')
    EXECUTE FUNCTION refuse_return_from_revoked();
CREATE TRIGGER certificate_revoked_is_final BEFORE UPDATE OF state ON certificate
    FOR EACH ROW WHEN (OLD.state = 'revoked' AND NEW.state <> 'revoked')
    EXECUTE FUNCTION refuse_return_from_revoked();
CREATE TRIGGER service_client_certificate_revoked_is_final
    BEFORE UPDATE OF state ON service_client_certificate
    FOR EACH ROW WHEN (OLD.state = 'revoked' AND NEW.state <> 'revoked')
    EXECUTE FUNCTION refuse_return_from_revoked();

--------------------------------------------------------------------------------- care of the log
-- After a restore and after anything that bypassed the triggers. Old transaction ids may come again
-- in a restored cluster, so nothing of the log keeps one.
CREATE FUNCTION bump_epoch() RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    new_epoch uuid := gen_random_uuid();
BEGIN
    PERFORM pg_advisory_xact_lock(7597419049520554545);
    UPDATE change SET txid = NULL WHERE txid IS NOT NULL;
    DELETE FROM change_entry;
    UPDATE feed_state SET epoch = new_epoch;
    PERFORM pg_notify('iot_hub_change', (SELECT coalesce(max(number), 0) FROM change)::text);
    RETURN new_epoch;
END
$$;

-- Deletes all but the newest `keep` changes and says how many went. A reader that is further behind
-- loads everything. The newest stays always: the next number is counted from it.
CREATE FUNCTION trim_changes(keep bigint) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    trimmed bigint;
BEGIN
    IF keep IS NULL OR keep < 1 THEN
        RAISE EXCEPTION 'trim_changes(keep) needs keep >= 1, not %', coalesce(keep::text, 'null')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    WITH gone AS (
        DELETE FROM change
         WHERE number <= (SELECT max(number) FROM change) - keep
        RETURNING txid
    ), entries AS (
        DELETE FROM change_entry USING gone WHERE change_entry.txid = gone.txid
    )
    SELECT count(*) INTO trimmed FROM gone;
    RETURN trimmed;
END
$$;

------------------------------------------------------------------------------------------ least rights
-- Roles belong to the whole cluster: another database of it may have made them, or be making them now.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['iot_hub_hook', 'iot_hub_api'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN
                    NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'the role % is missing and % may not create it', wanted, current_user
                        USING ERRCODE = 'insufficient_privilege',
                              HINT = 'Migrate as a user with CREATEROLE, or create the roles iot_hub_hook and iot_hub_api (NOLOGIN) first.';
            END;
        END IF;
    END LOOP;
    -- Everybody may make temporary tables in a new database; neither service needs any.
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO iot_hub_hook, iot_hub_api;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT SELECT ON refinery_schema_history TO iot_hub_hook, iot_hub_api;

-- hook-service: exactly what it decides on, the log, and its lease.
GRANT SELECT (device_id, lifecycle, suspended) ON device TO iot_hub_hook;
GRANT SELECT (fingerprint, device_id, state, not_after) ON certificate TO iot_hub_hook;
GRANT SELECT (name, disabled) ON service_client TO iot_hub_hook;
GRANT SELECT (fingerprint, name, state, not_after) ON service_client_certificate TO iot_hub_hook;
GRANT SELECT (name, action, topic_filter) ON service_client_right TO iot_hub_hook;
GRANT SELECT ON change, change_item, feed_state TO iot_hub_hook;
GRANT SELECT, INSERT, UPDATE, DELETE ON hook_lease TO iot_hub_hook;

-- api-service: rows are never deleted where history counts, keys and origins never change.
GRANT SELECT, INSERT ON device, certificate TO iot_hub_api;
GRANT UPDATE (lifecycle, suspended, model, firmware_version, public_key, updated_at, revoked_at)
    ON device TO iot_hub_api;
GRANT UPDATE (state, ended_at, revocation_reason) ON certificate TO iot_hub_api;
GRANT SELECT, INSERT, DELETE ON service_client, service_client_right TO iot_hub_api;
GRANT UPDATE (disabled) ON service_client TO iot_hub_api;
GRANT SELECT, INSERT ON service_client_certificate TO iot_hub_api;
GRANT UPDATE (state) ON service_client_certificate TO iot_hub_api;
GRANT SELECT ON change, change_item, feed_state, hook_lease TO iot_hub_api;
GRANT SELECT, DELETE, INSERT (kind, subject, payload, next_attempt_at) ON outbox TO iot_hub_api;
GRANT UPDATE (state, attempts, next_attempt_at, last_error, done_at) ON outbox TO iot_hub_api;
GRANT SELECT, INSERT, DELETE ON idempotency_key TO iot_hub_api;
GRANT UPDATE (response_status, response_body) ON idempotency_key TO iot_hub_api;
-- Checks of a table run with the writer's rights.
GRANT EXECUTE ON FUNCTION is_device_id(text), is_service_client_name(text), is_topic_filter(text)
    TO iot_hub_api;

-- What a poll asks besides: which cluster, which timeline. Everybody may, unless somebody took it away.
DO $$
DECLARE
    needed text;
BEGIN
    FOREACH needed IN ARRAY ARRAY['pg_catalog.pg_control_system()', 'pg_catalog.pg_current_wal_lsn()',
                                  'pg_catalog.pg_walfile_name(pg_lsn)',
                                  'pg_catalog.pg_is_in_recovery()']
    LOOP
        IF NOT has_function_privilege('iot_hub_hook', needed, 'EXECUTE') THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO iot_hub_hook', needed);
        END IF;
    END LOOP;
END
$$;
