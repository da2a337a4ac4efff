//! The statements of the doctor: catalogs that every login may read, and our own tables.

/// Every statement of this file.
pub(in crate::store) const STATEMENTS: &[&str] = &[
    PID,
    ROLE,
    ROLES,
    RELATIONS,
    FUNCTIONS,
    SERVER,
    SETTINGS,
    TRIGGERS,
    NEWEST,
    LEASES,
    OUTBOX,
    SERVICE_CERTIFICATES,
];

pub(super) const PID: &str = "
-- store::doctor::pid
SELECT pg_backend_pid() AS pid";

pub(super) const ROLE: &str = "
-- store::doctor::role
SELECT rolname::text AS name, rolsuper AS superuser, rolcreaterole AS createrole,
       rolcreatedb AS createdb, rolbypassrls AS bypassrls, rolreplication AS replication
  FROM pg_roles
 WHERE rolname = current_user";

/// A superuser is in every role; that is told once, by its attribute.
pub(super) const ROLES: &str = "
-- store::doctor::roles
SELECT granted.rolname::text AS role
  FROM pg_roles AS granted, pg_roles AS me
 WHERE me.rolname = current_user
   AND NOT me.rolsuper
   AND granted.oid <> me.oid
   AND pg_has_role(me.oid, granted.oid, 'MEMBER')
 ORDER BY 1";

/// What may be done to our relations besides reading. `OWNER` stands for everything.
pub(super) const RELATIONS: &str = "
-- store::doctor::relations
WITH me AS (SELECT oid FROM pg_roles WHERE rolname = current_user AND NOT rolsuper),
     relation AS (
         SELECT c.oid, c.relname::text AS name, c.relowner
           FROM pg_class AS c
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
     ),
     may AS (
         SELECT relation.name,
                CASE WHEN pg_has_role(me.oid, relation.relowner, 'USAGE') THEN 'OWNER'
                     WHEN has_table_privilege(me.oid, relation.oid, wanted.privilege)
                     THEN wanted.privilege
                     WHEN wanted.privilege IN ('INSERT', 'UPDATE')
                          AND has_any_column_privilege(me.oid, relation.oid, wanted.privilege)
                     THEN 'column ' || wanted.privilege
                END AS privilege
           FROM me, relation,
                unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
                    AS wanted (privilege)
     )
SELECT DISTINCT name AS relation, privilege
  FROM may
 WHERE privilege IS NOT NULL
 ORDER BY 1, 2";

/// The two functions that change the log by hand, and what may be created.
pub(super) const FUNCTIONS: &str = "
-- store::doctor::functions
WITH me AS (SELECT oid FROM pg_roles WHERE rolname = current_user AND NOT rolsuper)
SELECT 'EXECUTE' AS privilege, p.proname || '()' AS object
  FROM me, pg_proc AS p
 WHERE p.pronamespace = 'public'::regnamespace
   AND p.proname IN ('bump_epoch', 'trim_changes')
   AND has_function_privilege(me.oid, p.oid, 'EXECUTE')
UNION ALL
SELECT 'CREATE', 'schema public'
  FROM me
 WHERE has_schema_privilege(me.oid, 'public', 'CREATE')
UNION ALL
SELECT wanted.privilege, 'database'
  FROM me, unnest(ARRAY['CREATE', 'TEMPORARY']) AS wanted (privilege)
 WHERE has_database_privilege(me.oid, current_database(), wanted.privilege)
 ORDER BY 1, 2";

/// A login without `pg_read_all_stats` sees how many standbys there are, and no more.
pub(super) const SERVER: &str = "
-- store::doctor::server
SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
       coalesce(inet_server_addr() <<= inet '127.0.0.0/8' OR inet_server_addr() = inet '::1', true)
           AS local,
       pg_is_in_recovery() AS standby,
       current_setting('server_version_num')::integer AS version_num,
       (SELECT count(*) FROM pg_stat_replication) AS standbys,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_standbys";

pub(super) const SETTINGS: &str = "
-- store::doctor::settings
SELECT name, setting
  FROM pg_settings
 WHERE name = ANY ($1::text[])";

/// `A` is ENABLE ALWAYS: fires in every session, whatever its replication role.
pub(super) const TRIGGERS: &str = "
-- store::doctor::triggers
SELECT wanted.relation || '.' || wanted.name AS silent
  FROM unnest($1::text[], $2::text[]) AS wanted (relation, name)
 WHERE NOT EXISTS (
           SELECT FROM pg_trigger AS t
            WHERE t.tgrelid = to_regclass('public.' || wanted.relation)
              AND t.tgname = wanted.name
              AND t.tgenabled = 'A')
 ORDER BY 1";

pub(super) const NEWEST: &str = "
-- store::doctor::newest
SELECT coalesce(max(number), 0) AS number
  FROM change";

pub(super) const LEASES: &str = "
-- store::doctor::leases
SELECT process_uuid, replica_name, applied, renewals, length_ms
  FROM hook_lease
 ORDER BY replica_name, process_uuid";

pub(super) const OUTBOX: &str = "
-- store::doctor::outbox
SELECT count(*) FILTER (WHERE state = 'dead') AS dead,
       extract(epoch FROM now() - min(created_at) FILTER (WHERE state = 'pending'))::float8
           AS oldest_s
  FROM outbox";

pub(super) const SERVICE_CERTIFICATES: &str = "
-- store::doctor::service_certificates
SELECT client.name, max(held.not_after) FILTER (WHERE held.state = 'active') AS not_after
  FROM service_client AS client
  LEFT JOIN service_client_certificate AS held USING (name)
 WHERE NOT client.disabled
 GROUP BY client.name
 ORDER BY client.name";
