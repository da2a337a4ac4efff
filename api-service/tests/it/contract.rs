//! The `OpenAPI` document held against the service: whole in itself, equal to the routes, and true of
//! every answer; and every right held against everybody who lacks it.

mod client;
mod document;
mod fuzzed;
mod injection;
mod lifecycle;
mod promises;
mod reader;
mod rights;
mod schema_names;
mod world;
