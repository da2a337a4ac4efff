-- Revocation that ends everything: the outbox remembers how far each entry came, who works on it and
-- what each cluster of the broker said; commands over many devices get a row of their own; and an
-- operator may declare a replica of the hooks dead.
--
-- Programs of the release before keep working: every new column has a default or may be null, and a
-- claim still moves next_attempt_at into the future, which is all that an older worker looks at.

------------------------------------------------------------------------------- commands over many
-- Carried out in chunks, in the order of device ids, by a worker that may die between any two.
CREATE TABLE bulk_operation (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What to do, for example 'revoke_devices'.
    kind            text COLLATE "C" NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 64),
    -- To which devices, and how; as the command understood them.
    params          jsonb NOT NULL DEFAULT '{}',
    -- Who asked.
    account         text COLLATE "C" NOT NULL CHECK (char_length(account) BETWEEN 1 AND 256),
    state           text COLLATE "C" NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'done', 'dead')),
    -- Devices chosen, and those of them that are changed and in the outbox.
    total           bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
    acted           bigint NOT NULL DEFAULT 0 CHECK (acted >= 0),
    -- Every device up to this one is through.
    through_id      text COLLATE "C" NOT NULL DEFAULT '' CHECK (char_length(through_id) <= 64),
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error      text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    done_at         timestamptz
);
CREATE INDEX bulk_operation_due ON bulk_operation (next_attempt_at) WHERE state = 'pending';

-------------------------------------------------------------------------------------- the outbox
ALTER TABLE outbox
    -- How far it came, for the last time: every replica of the hooks denies; no session is left;
    -- none can come back; or somebody else's newer entry says what is right.
    ADD COLUMN phase text COLLATE "C" NOT NULL DEFAULT 'committed'
        CHECK (phase IN ('committed', 'fenced', 'closed', 'complete', 'superseded')),
    -- When each step was through, in milliseconds after the commit, and what it saw.
    ADD COLUMN timeline jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(timeline) = 'object'),
    -- What each cluster of the broker came to.
    ADD COLUMN clusters jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(clusters) = 'array'),
    -- The run of a worker that carries it out, until next_attempt_at. Null: nobody does.
    ADD COLUMN claimed_by uuid,
    -- The entry that made this one needless.
    ADD COLUMN superseded_by bigint,
    -- One of more than a thousand devices at once: kicked in bulk, not banned.
    ADD COLUMN mass boolean NOT NULL DEFAULT false,
    -- The command over many devices that it belongs to.
    ADD COLUMN bulk_id bigint REFERENCES bulk_operation;

CREATE INDEX outbox_bulk ON outbox (bulk_id) WHERE bulk_id IS NOT NULL;
-- What is purged after a while, and what an operator must look at.
CREATE INDEX outbox_ended ON outbox (done_at) WHERE state = 'done';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';

------------------------------------------------------------------------------------------ least rights
GRANT INSERT (mass, bulk_id) ON outbox TO iot_hub_api;
GRANT UPDATE (phase, timeline, clusters, claimed_by, superseded_by) ON outbox TO iot_hub_api;
GRANT SELECT, DELETE, INSERT (kind, params, account, total, next_attempt_at) ON bulk_operation
    TO iot_hub_api;
GRANT UPDATE (state, total, acted, through_id, attempts, next_attempt_at, last_error, done_at)
    ON bulk_operation TO iot_hub_api;
-- Declaring a replica dead is the deletion of its lease; it can never be written or extended here.
GRANT DELETE ON hook_lease TO iot_hub_api;
-- Whether a standby has a revoke: pg_stat_replication hides it from everybody else. From PostgreSQL 16
-- on only a superuser, or who has the role with ADMIN OPTION, may grant it. All works without: a revoke
-- then says `local` of its durability. Another database of the cluster may be granting it now.
DO $$
BEGIN
    IF NOT pg_has_role('iot_hub_api', 'pg_read_all_stats', 'MEMBER') THEN
        GRANT pg_read_all_stats TO iot_hub_api;
    END IF;
EXCEPTION
    WHEN unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE WARNING '% may not grant pg_read_all_stats to iot_hub_api: revokes will never say `replicated`', current_user
            USING HINT = 'GRANT pg_read_all_stats TO iot_hub_api as a superuser, before or after this.';
END
$$;
