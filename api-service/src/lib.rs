//! The command and query backend over PostgreSQL: manufacturing, devices, revocation.
