-- Revocation lists in shards: which list a certificate names, the lists as they were last signed, and
-- what has to be signed anew.
--
-- A list belongs to one issuing authority and one shard. Shard 0 is the authority's whole list; the
-- others each have the one URL that their certificates and they themselves carry (RFC 5280, 4.2.1.13
-- and 5.2.5). A shard is never renamed and never reused: a certificate keeps the URL it was born with,
-- whatever the settings become.
--
-- Who signs holds the row of the list. A revocation never waits for that: it adds a row to crl_due.

---------------------------------------------------------------------------------- certificate's place
-- The key identifier of the authority that signed, read from the certificate itself (RFC 5280, 4.2.1.1):
-- extension id 2.5.29.35, then an octet string with nothing but a key identifier of 20 bytes, which is
-- how ours are written. Null for anything else. Nobody can put these bytes into an earlier field: the
-- name is ASCII, the serial number random, and a public key that begins with chosen bytes has a
-- private key that nobody knows, so it never passes the proof of possession.
ALTER TABLE certificate
    ADD COLUMN issuer bytea GENERATED ALWAYS AS (
        CASE WHEN position('\x0603551d23041830168014'::bytea IN der)
                  BETWEEN 1 AND octet_length(der) - 30
             THEN substring(der FROM position('\x0603551d23041830168014'::bytea IN der) + 11 FOR 20)
        END) STORED,
    -- No foreign key: it would lock the list's row in every registration, and a signer holds that.
    ADD COLUMN crl_shard integer CHECK (crl_shard > 0);

-- What a list is made of takes the place of the index by time.
DROP INDEX certificate_revoked;
CREATE INDEX certificate_listed ON certificate (issuer, crl_shard, not_after) WHERE state = 'revoked';
-- Whether an authority has living certificates, and which ones a stolen batch came from.
CREATE INDEX certificate_issuer ON certificate (issuer, not_after);
-- Which certificates end next.
CREATE INDEX certificate_ending ON certificate (not_after, fingerprint) WHERE state = 'active';

---------------------------------------------------------------------------------------------- lists
CREATE SEQUENCE crl_shard_number AS integer MINVALUE 1;

CREATE TABLE crl_list (
    issuer      bytea NOT NULL CHECK (octet_length(issuer) = 20),
    -- 0: the whole list.
    shard       integer NOT NULL CHECK (shard >= 0),
    -- Which slot of which address it was made for; a new address or number of slots makes new shards.
    base_url    text CHECK (char_length(base_url) BETWEEN 1 AND 400),
    slot        integer CHECK (slot >= 0),
    -- What its certificates name.
    url         text UNIQUE CHECK (char_length(url) BETWEEN 1 AND 512),
    -- 0 until it was signed for the first time; grows with each signature (RFC 5280, 5.2.3).
    number      bigint NOT NULL DEFAULT 0 CHECK (number >= 0),
    made_at     timestamptz,
    this_update timestamptz,
    next_update timestamptz CHECK (next_update > this_update),
    entries     integer NOT NULL DEFAULT 0 CHECK (entries >= 0),
    der         bytea CHECK (octet_length(der) BETWEEN 1 AND 16777216),
    PRIMARY KEY (issuer, shard),
    UNIQUE (issuer, base_url, slot),
    CHECK ((shard = 0) = (url IS NULL) AND (url IS NULL) = (slot IS NULL)
           AND (slot IS NULL) = (base_url IS NULL)),
    CHECK ((number = 0) = (der IS NULL) AND (der IS NULL) = (made_at IS NULL)
           AND (made_at IS NULL) = (this_update IS NULL)
           AND (this_update IS NULL) = (next_update IS NULL))
);
-- Signatures and their sizes change all the time; a list is stored as it is.
ALTER TABLE crl_list ALTER COLUMN der SET STORAGE EXTERNAL;

-- A list lacks something that was revoked. Added by whoever revokes, taken away by whoever signs, in the
-- transaction that signs and before it reads what is revoked.
CREATE TABLE crl_due (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer bytea NOT NULL,
    shard  integer NOT NULL
);
CREATE INDEX crl_due_list ON crl_due (issuer, shard);

CREATE FUNCTION note_crl_due() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO crl_due (issuer, shard)
    SELECT DISTINCT n.issuer, list.shard
      FROM new_rows AS n
      JOIN old_rows AS o USING (fingerprint)
     CROSS JOIN LATERAL (VALUES (0), (n.crl_shard)) AS list (shard)
     WHERE n.state = 'revoked'
       AND o.state <> 'revoked'
       AND n.issuer IS NOT NULL
       AND list.shard IS NOT NULL;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION note_crl_due() FROM PUBLIC;

CREATE TRIGGER crl_due AFTER UPDATE ON certificate
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_crl_due();
ALTER TABLE certificate ENABLE ALWAYS TRIGGER crl_due;

-- A list that is made again under an old number, or a shard given to other certificates, would break
-- what verifiers were promised.
CREATE FUNCTION refuse_crl_list_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (NEW.issuer, NEW.shard, NEW.url) IS DISTINCT FROM (OLD.issuer, OLD.shard, OLD.url) THEN
        RAISE EXCEPTION 'a revocation list keeps its authority, shard and URL'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'crl_list_place_is_final';
    END IF;
    IF NEW.number <= OLD.number THEN
        RAISE EXCEPTION 'revocation list % of shard % cannot follow number %',
                        NEW.number, NEW.shard, OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'crl_list_number_grows';
    END IF;
    RETURN NEW;
END
$$;
REVOKE EXECUTE ON FUNCTION refuse_crl_list_change() FROM PUBLIC;

CREATE TRIGGER crl_list_grows BEFORE UPDATE ON crl_list
    FOR EACH ROW EXECUTE FUNCTION refuse_crl_list_change();
ALTER TABLE crl_list ENABLE ALWAYS TRIGGER crl_list_grows;

------------------------------------------------------------------------------------------ least rights
GRANT SELECT, INSERT (issuer, shard, base_url, slot, url) ON crl_list TO iot_hub_api;
GRANT UPDATE (number, made_at, this_update, next_update, entries, der) ON crl_list TO iot_hub_api;
GRANT SELECT, DELETE ON crl_due TO iot_hub_api;
GRANT USAGE ON SEQUENCE crl_shard_number TO iot_hub_api;
