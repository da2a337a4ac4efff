-- People and what is theirs: accounts, organizations with nested groups, who owns a device and since
-- when, how a device is claimed, what happened (audit), plans and money.
--
-- Everything that decides about a person's rights is watched by the change log, so hook-service sees
-- it as it sees devices:
--   device(owner_account_id, organization_id, group_id) joins the hook columns of `device`;
--   kind 'account', id = account_id: account(issuer, subject, disabled, sessions_from),
--     organization_member(all), group_member(all);
--   kind 'device_group', id = group_id: device_group(organization_id, parent_id).
--
-- Programs of the release before keep working: new columns have defaults or may be null. A
-- hook-service of that release does not know the new kinds and loads everything at each of them, so
-- upgrade it before people are let in.
--
-- No row here holds what names a person except account(issuer, subject), account_profile,
-- invitation(email) and audit_personal; erasing a person empties exactly those.

------------------------------------------------------------------------------------------- plans
CREATE TABLE plan (
    plan        text COLLATE "C" PRIMARY KEY CHECK (plan ~ '^[a-z0-9-]{1,32}$'),
    title       text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 64),
    -- Null: no limit.
    devices_max integer CHECK (devices_max >= 0),
    members_max integer CHECK (members_max >= 1),
    version     bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO plan (plan, title, devices_max, members_max) VALUES
    ('free', 'Free', 10, 3),
    ('pro', 'Pro', 100, 10),
    ('business', 'Business', 1000, 100),
    ('enterprise', 'Enterprise', NULL, NULL);

---------------------------------------------------------------------------------------- accounts
-- Who an issuer's subject is to us. Never matched by e-mail.
CREATE TABLE account (
    account_id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- Null once erased: nobody can come back as this account.
    issuer          text COLLATE "C" CHECK (octet_length(issuer) BETWEEN 1 AND 512),
    subject         text COLLATE "C" CHECK (octet_length(subject) BETWEEN 1 AND 255),
    kind            text COLLATE "C" NOT NULL DEFAULT 'person'
                    CHECK (kind IN ('person', 'service')),
    account_type    text COLLATE "C" NOT NULL DEFAULT 'individual'
                    CHECK (account_type IN ('individual', 'organization')),
    disabled        boolean NOT NULL DEFAULT false,
    -- Tokens issued before are refused: logout everywhere.
    sessions_from   timestamptz NOT NULL DEFAULT '-infinity',
    plan            text COLLATE "C" NOT NULL DEFAULT 'free' REFERENCES plan,
    -- After that the account counts as `free`. Null: without end.
    plan_expires_at timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    erased_at       timestamptz,
    UNIQUE (issuer, subject),
    CHECK ((erased_at IS NULL) = (issuer IS NOT NULL)),
    CHECK ((erased_at IS NULL) = (subject IS NOT NULL)),
    CHECK (erased_at IS NULL OR disabled)
);

-- What names the person; as the last token said it, or as they wrote it.
CREATE TABLE account_profile (
    account_id uuid PRIMARY KEY REFERENCES account,
    email      text CHECK (char_length(email) BETWEEN 3 AND 254),
    name       text CHECK (char_length(name) BETWEEN 1 AND 128),
    avatar_url text CHECK (char_length(avatar_url) BETWEEN 1 AND 1024),
    metadata   jsonb NOT NULL DEFAULT '{}'
               CHECK (jsonb_typeof(metadata) = 'object' AND octet_length(metadata::text) <= 8192),
    -- What tokens said last, by claim: only another word of theirs overwrites what the person wrote.
    told       jsonb NOT NULL DEFAULT '{}'
               CHECK (jsonb_typeof(told) = 'object' AND octet_length(told::text) <= 16384),
    updated_at timestamptz NOT NULL DEFAULT now()
);
-- Searched by beginning.
CREATE INDEX account_profile_email ON account_profile (lower(email) text_pattern_ops);
CREATE INDEX account_profile_name ON account_profile (lower(name) text_pattern_ops);

-- Who was erased of late: SHA-256 over issuer and subject, so that what is still signed in makes no new
-- account by itself. Forgotten after 30 days.
CREATE TABLE account_erasure (
    identity_hash bytea PRIMARY KEY CHECK (octet_length(identity_hash) = 32),
    erased_at     timestamptz NOT NULL DEFAULT now()
);

----------------------------------------------------------------------------------- organizations
CREATE TABLE organization (
    organization_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 128),
    description     text CHECK (char_length(description) BETWEEN 1 AND 1024),
    plan            text COLLATE "C" NOT NULL DEFAULT 'free' REFERENCES plan,
    plan_expires_at timestamptz,
    -- For If-Match: each update counts on.
    version         bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX organization_name ON organization (lower(name) text_pattern_ops, organization_id);

CREATE TABLE organization_member (
    organization_id uuid NOT NULL REFERENCES organization,
    account_id      uuid NOT NULL REFERENCES account,
    role            text COLLATE "C" NOT NULL
                    CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, account_id)
);
CREATE INDEX organization_member_account ON organization_member (account_id, organization_id);

-- A tree for each organization. Whoever changes its shape holds the organization's row lock, so no
-- two moves can close a cycle between them.
CREATE TABLE device_group (
    group_id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organization,
    -- Null: right below the organization.
    parent_id       uuid,
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 128),
    description     text CHECK (char_length(description) BETWEEN 1 AND 1024),
    version         bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (group_id, organization_id),
    FOREIGN KEY (parent_id, organization_id) REFERENCES device_group (group_id, organization_id),
    UNIQUE NULLS NOT DISTINCT (organization_id, parent_id, name),
    CHECK (parent_id <> group_id)
);
CREATE INDEX device_group_parent ON device_group (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE group_member (
    group_id   uuid NOT NULL REFERENCES device_group,
    account_id uuid NOT NULL REFERENCES account,
    role       text COLLATE "C" NOT NULL CHECK (role IN ('admin', 'member', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (group_id, account_id)
);
CREATE INDEX group_member_account ON group_member (account_id, group_id);

-- The token itself is told once, to the inviter; here is its SHA-256.
CREATE TABLE invitation (
    invitation_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organization,
    -- Null: to the organization itself.
    group_id        uuid,
    role            text COLLATE "C" NOT NULL
                    CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    -- A note for whom it is meant; nobody is matched by it.
    email           text CHECK (char_length(email) BETWEEN 3 AND 254),
    token_hash      bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    invited_by      uuid NOT NULL REFERENCES account,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL CHECK (expires_at > created_at),
    accepted_by     uuid REFERENCES account,
    ended_at        timestamptz,
    FOREIGN KEY (group_id, organization_id) REFERENCES device_group (group_id, organization_id)
        ON DELETE CASCADE,
    CHECK (group_id IS NULL OR role <> 'owner'),
    CHECK (accepted_by IS NULL OR ended_at IS NOT NULL)
);
CREATE INDEX invitation_open ON invitation (organization_id, created_at) WHERE ended_at IS NULL;
-- Deleting an organization takes ended ones along.
CREATE INDEX invitation_organization ON invitation (organization_id);
CREATE INDEX invitation_group ON invitation (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX invitation_invited_by ON invitation (invited_by);

----------------------------------------------------------------------------------- whose is a device
ALTER TABLE device
    -- At most one of the two is the owner.
    ADD COLUMN owner_account_id uuid REFERENCES account,
    ADD COLUMN organization_id  uuid REFERENCES organization,
    -- Where in the organization; null: right below it.
    ADD COLUMN group_id         uuid,
    -- Since when it is this owner's.
    ADD COLUMN bound_at         timestamptz,
    -- What its owner calls it.
    ADD COLUMN name             text CHECK (char_length(name) BETWEEN 1 AND 128),
    ADD COLUMN metadata         jsonb NOT NULL DEFAULT '{}'
        CHECK (jsonb_typeof(metadata) = 'object' AND octet_length(metadata::text) <= 8192),
    -- For If-Match: each update of what people write counts on.
    ADD COLUMN version          bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    -- An administrator suspended it: its owner cannot let it in again.
    ADD COLUMN suspended_by_platform boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT device_group_of_organization FOREIGN KEY (group_id, organization_id)
        REFERENCES device_group (group_id, organization_id),
    ADD CONSTRAINT device_one_owner CHECK (num_nonnulls(owner_account_id, organization_id) <= 1),
    ADD CONSTRAINT device_group_needs_organization
        CHECK (group_id IS NULL OR organization_id IS NOT NULL);
CREATE INDEX device_owner ON device (owner_account_id, device_id) WHERE owner_account_id IS NOT NULL;
CREATE INDEX device_organization ON device (organization_id, device_id)
    WHERE organization_id IS NOT NULL;
CREATE INDEX device_group_devices ON device (group_id, device_id) WHERE group_id IS NOT NULL;
CREATE INDEX device_name ON device (lower(name) text_pattern_ops, device_id) WHERE name IS NOT NULL;

-- Each owner's time with a device: nobody reads what was of another owner's.
CREATE TABLE ownership (
    ownership_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id        text COLLATE "C" NOT NULL REFERENCES device,
    owner_account_id uuid REFERENCES account,
    organization_id  uuid,
    begun_at         timestamptz NOT NULL DEFAULT now(),
    -- Null: still.
    ended_at         timestamptz CHECK (ended_at >= begun_at),
    CHECK (num_nonnulls(owner_account_id, organization_id) = 1)
);
CREATE UNIQUE INDEX ownership_one_at_a_time ON ownership (device_id) WHERE ended_at IS NULL;
CREATE INDEX ownership_device ON ownership (device_id, begun_at);
CREATE INDEX ownership_account ON ownership (owner_account_id) WHERE owner_account_id IS NOT NULL;

-- What a QR code with a claim secret proves. The secret itself is in the QR code alone.
CREATE TABLE device_claim (
    device_id   text COLLATE "C" PRIMARY KEY REFERENCES device,
    -- SHA-256 of the secret, which has 128 random bits or more.
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    created_at  timestamptz NOT NULL DEFAULT now(),
    -- A secret binds once; another needs a new QR code.
    used_at     timestamptz,
    -- The owner gives the device to whoever shows the secret until then. Null: it is no offer.
    offered_until timestamptz
);

CREATE TABLE binding (
    binding_id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    device_id       text COLLATE "C" NOT NULL REFERENCES device,
    claimant_id     uuid NOT NULL REFERENCES account,
    -- For whom: the claimant, or an organization and perhaps a group of it.
    organization_id uuid,
    group_id        uuid,
    state           text COLLATE "C" NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'bound', 'expired', 'refused', 'cancelled')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL CHECK (expires_at > created_at),
    ended_at        timestamptz,
    CHECK (group_id IS NULL OR organization_id IS NOT NULL),
    CHECK ((state = 'pending') = (ended_at IS NULL))
);
-- One claimant at a time.
CREATE UNIQUE INDEX binding_one_pending ON binding (device_id) WHERE state = 'pending';
CREATE INDEX binding_device ON binding (device_id, created_at);
CREATE INDEX binding_due ON binding (expires_at) WHERE state = 'pending';
CREATE INDEX binding_claimant ON binding (claimant_id, created_at);

-- An approval to enrol a device anew whose certificate ran out.
CREATE TABLE recovery (
    recovery_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    device_id   text COLLATE "C" NOT NULL REFERENCES device,
    approved_by uuid NOT NULL REFERENCES account,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL CHECK (expires_at > created_at),
    used_at     timestamptz
);
CREATE UNIQUE INDEX recovery_open ON recovery (device_id) WHERE used_at IS NULL;

------------------------------------------------------------------------------------- notifications
CREATE TABLE notification (
    notification_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id      uuid NOT NULL REFERENCES account,
    kind            text COLLATE "C" NOT NULL CHECK (char_length(kind) BETWEEN 1 AND 64),
    payload         jsonb NOT NULL DEFAULT '{}' CHECK (octet_length(payload::text) <= 4096),
    created_at      timestamptz NOT NULL DEFAULT now(),
    read_at         timestamptz
);
CREATE INDEX notification_account ON notification (account_id, notification_id);
-- Old ones are purged.
CREATE INDEX notification_age ON notification (created_at);

--------------------------------------------------------------------------------------------- audit
-- Append-only: not even the API may change or delete one but by retention.
CREATE TABLE audit_entry (
    entry_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT now(),
    actor_kind    text COLLATE "C" NOT NULL CHECK (actor_kind IN ('account', 'system', 'stranger')),
    actor_id      uuid,
    -- What, for example 'device.revoke'.
    action        text COLLATE "C" NOT NULL CHECK (char_length(action) BETWEEN 1 AND 64),
    subject_kind  text COLLATE "C" NOT NULL CHECK (char_length(subject_kind) BETWEEN 1 AND 32),
    subject_id    text COLLATE "C" NOT NULL CHECK (char_length(subject_id) BETWEEN 1 AND 256),
    outcome       text COLLATE "C" NOT NULL CHECK (outcome IN ('done', 'refused')),
    -- The problem's code, of a refusal.
    code          text COLLATE "C" CHECK (char_length(code) BETWEEN 1 AND 64),
    request_id    text COLLATE "C" CHECK (char_length(request_id) BETWEEN 1 AND 64),
    -- Neither secrets nor what names a person.
    before        jsonb CHECK (octet_length(before::text) <= 16384),
    after         jsonb CHECK (octet_length(after::text) <= 16384),
    -- SHA-256 over the salt and the fields of audit_personal, if it has a row.
    personal_hash bytea CHECK (octet_length(personal_hash) = 32),
    CHECK ((actor_kind = 'account') = (actor_id IS NOT NULL)),
    CHECK ((outcome = 'refused') = (code IS NOT NULL))
);
CREATE INDEX audit_entry_subject ON audit_entry (subject_kind, subject_id, entry_id);
CREATE INDEX audit_entry_actor ON audit_entry (actor_id, entry_id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_entry_at ON audit_entry (at);

-- Address and the like. Erasure deletes rows here; the hash of them stays valid without.
CREATE TABLE audit_personal (
    entry_id   bigint PRIMARY KEY REFERENCES audit_entry ON DELETE CASCADE,
    -- Whose: the actor.
    account_id uuid,
    salt       bytea NOT NULL CHECK (octet_length(salt) = 16),
    fields     jsonb NOT NULL CHECK (jsonb_typeof(fields) = 'object'
                                     AND octet_length(fields::text) <= 2048)
);
CREATE INDEX audit_personal_account ON audit_personal (account_id) WHERE account_id IS NOT NULL;

-- A batch of committed entries, chained to the batch before.
CREATE TABLE audit_seal (
    number        bigint PRIMARY KEY CHECK (number > 0),
    at            timestamptz NOT NULL DEFAULT now(),
    entries       integer NOT NULL CHECK (entries > 0),
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash          bytea NOT NULL CHECK (octet_length(hash) = 32)
);
-- Which seal covers an entry, and in which place.
CREATE TABLE audit_sealed (
    entry_id bigint PRIMARY KEY,
    seal     bigint NOT NULL REFERENCES audit_seal,
    position integer NOT NULL CHECK (position >= 0),
    -- Over the entry, so that a broken link can be named.
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32),
    UNIQUE (seal, position)
);
-- Entries wait here for their seal. Ids do not appear in the order in which they are given, so "above
-- the last sealed one" would lose some.
CREATE TABLE audit_unsealed (
    entry_id bigint PRIMARY KEY REFERENCES audit_entry ON DELETE CASCADE
);
CREATE FUNCTION await_seal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO audit_unsealed (entry_id) SELECT entry_id FROM new_rows;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION await_seal() FROM PUBLIC;
CREATE TRIGGER await_seal AFTER INSERT ON audit_entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION await_seal();
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER await_seal;

-------------------------------------------------------------------------------------- kept answers
-- The headers of an answer that is kept for a repetition: `etag`, `location`.
ALTER TABLE idempotency_key ADD COLUMN response_headers jsonb
    CHECK (octet_length(response_headers::text) <= 4096);

--------------------------------------------------------------------------------------------- money
-- Entries are the truth; the balance is kept beside them under the row's lock.
CREATE TABLE ledger (
    ledger_id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id      uuid UNIQUE REFERENCES account,
    organization_id uuid UNIQUE,
    -- ISO 4217.
    currency        text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- In the currency's smallest unit.
    balance_minor   bigint NOT NULL DEFAULT 0 CHECK (balance_minor >= 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(account_id, organization_id) = 1)
);
CREATE TABLE ledger_entry (
    entry_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ledger_id           uuid NOT NULL REFERENCES ledger,
    -- The caller's name for this entry: the same twice is one entry.
    reference           text COLLATE "C" NOT NULL CHECK (char_length(reference) BETWEEN 1 AND 128),
    kind                text COLLATE "C" NOT NULL
                        CHECK (kind IN ('top_up', 'charge', 'refund', 'correction')),
    amount_minor        bigint NOT NULL CHECK (amount_minor <> 0),
    balance_after_minor bigint NOT NULL CHECK (balance_after_minor >= 0),
    note                text CHECK (char_length(note) BETWEEN 1 AND 256),
    made_by             uuid NOT NULL REFERENCES account,
    at                  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (ledger_id, reference)
);
CREATE INDEX ledger_entry_ledger ON ledger_entry (ledger_id, entry_id);

-------------------------------------------------------------------------- collecting what changed
ALTER TABLE change_entry DROP CONSTRAINT change_entry_kind_check;
ALTER TABLE change_entry ADD CONSTRAINT change_entry_kind_check
    CHECK (kind IN ('device', 'service_client', 'account', 'device_group'));

CREATE OR REPLACE FUNCTION collect_device() RETURNS trigger
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
         WHERE (o.lifecycle, o.suspended, o.owner_account_id, o.organization_id, o.group_id)
               IS DISTINCT FROM
               (n.lifecycle, n.suspended, n.owner_account_id, n.organization_id, n.group_id);
    END IF;
    PERFORM note_changes('device', ids);
    RETURN NULL;
END
$$;

CREATE FUNCTION collect_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT account_id::text) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT account_id::text) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(DISTINCT account_id::text) INTO ids
          FROM old_rows AS o
          FULL JOIN new_rows AS n USING (account_id)
         WHERE (o.issuer, o.subject, o.disabled, o.sessions_from)
               IS DISTINCT FROM (n.issuer, n.subject, n.disabled, n.sessions_from);
    END IF;
    PERFORM note_changes('account', ids);
    RETURN NULL;
END
$$;

-- A membership's change is its account's.
CREATE FUNCTION collect_membership() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT account_id::text) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT account_id::text) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(DISTINCT account_id::text) INTO ids FROM (
            (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows)
            UNION
            (SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows)
        ) AS changed;
    END IF;
    PERFORM note_changes('account', ids);
    RETURN NULL;
END
$$;

CREATE FUNCTION collect_device_group() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT group_id::text) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT group_id::text) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(DISTINCT group_id::text) INTO ids
          FROM old_rows AS o
          FULL JOIN new_rows AS n USING (group_id)
         WHERE (o.organization_id, o.parent_id)
               IS DISTINCT FROM (n.organization_id, n.parent_id);
    END IF;
    PERFORM note_changes('device_group', ids);
    RETURN NULL;
END
$$;

REVOKE EXECUTE ON FUNCTION collect_account(), collect_membership(), collect_device_group()
    FROM PUBLIC;

DO $$
DECLARE
    watched   text;
    collector text;
BEGIN
    FOR watched, collector IN
        VALUES ('account', 'collect_account'),
               ('organization_member', 'collect_membership'),
               ('group_member', 'collect_membership'),
               ('device_group', 'collect_device_group')
    LOOP
        EXECUTE format(
            'CREATE TRIGGER change_insert AFTER INSERT ON %1$I REFERENCING NEW TABLE AS new_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER change_update AFTER UPDATE ON %1$I
                 REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER change_delete AFTER DELETE ON %1$I REFERENCING OLD TABLE AS old_rows
                 FOR EACH STATEMENT EXECUTE FUNCTION %2$I();
             CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %1$I
                 FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
             ALTER TABLE %1$I ENABLE ALWAYS TRIGGER change_insert;
             ALTER TABLE %1$I ENABLE ALWAYS TRIGGER change_update;
             ALTER TABLE %1$I ENABLE ALWAYS TRIGGER change_delete;
             ALTER TABLE %1$I ENABLE ALWAYS TRIGGER refuse_truncate', watched, collector);
    END LOOP;
END
$$;

------------------------------------------------------------------------------- final states are final
-- What is written in the audit and the ledger stays as it was written, whoever writes.
CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_is_append_only';
END
$$;
REVOKE EXECUTE ON FUNCTION refuse_change() FROM PUBLIC;

CREATE TRIGGER audit_entry_is_append_only BEFORE UPDATE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_seal_is_append_only BEFORE UPDATE ON audit_seal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_sealed_is_append_only BEFORE UPDATE ON audit_sealed
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entry_is_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

------------------------------------------------------------------------------------------ least rights
GRANT SELECT (owner_account_id, organization_id, group_id) ON device TO iot_hub_hook;
GRANT SELECT (account_id, issuer, subject, disabled, sessions_from) ON account TO iot_hub_hook;
GRANT SELECT (organization_id, account_id, role) ON organization_member TO iot_hub_hook;
GRANT SELECT (group_id, account_id, role) ON group_member TO iot_hub_hook;
GRANT SELECT (group_id, organization_id, parent_id) ON device_group TO iot_hub_hook;

GRANT UPDATE (owner_account_id, organization_id, group_id, bound_at, name, metadata, version,
              suspended_by_platform) ON device TO iot_hub_api;
GRANT SELECT, INSERT ON account TO iot_hub_api;
GRANT UPDATE (issuer, subject, account_type, disabled, sessions_from, plan, plan_expires_at,
              updated_at, erased_at) ON account TO iot_hub_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON account_profile, organization, organization_member,
    device_group, group_member, plan TO iot_hub_api;
GRANT SELECT, INSERT, DELETE ON account_erasure TO iot_hub_api;
GRANT UPDATE (erased_at) ON account_erasure TO iot_hub_api;
GRANT SELECT, INSERT, DELETE ON invitation, notification TO iot_hub_api;
GRANT UPDATE (accepted_by, ended_at, email) ON invitation TO iot_hub_api;
GRANT UPDATE (read_at) ON notification TO iot_hub_api;
GRANT SELECT, INSERT ON ownership, binding, recovery TO iot_hub_api;
GRANT UPDATE (ended_at) ON ownership TO iot_hub_api;
GRANT UPDATE (state, ended_at) ON binding TO iot_hub_api;
GRANT UPDATE (used_at) ON recovery TO iot_hub_api;
GRANT SELECT, INSERT, DELETE ON device_claim TO iot_hub_api;
GRANT UPDATE (secret_hash, created_at, used_at, offered_until) ON device_claim TO iot_hub_api;
-- Deleting is retention's alone, oldest first, and verification says where the chain begins then.
GRANT SELECT, INSERT, DELETE ON audit_entry, audit_personal, audit_seal, audit_sealed TO iot_hub_api;
GRANT SELECT, DELETE ON audit_unsealed TO iot_hub_api;
GRANT SELECT, INSERT ON ledger, ledger_entry TO iot_hub_api;
GRANT UPDATE (balance_minor) ON ledger TO iot_hub_api;
