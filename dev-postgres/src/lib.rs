//! A private PostgreSQL cluster for development and tests; never for production.
//!
//! * [`Cluster`] is one server that this process starts and that ends with it, also when this
//!   process is killed. It listens on 127.0.0.1 and on a Unix socket in its own folder, and trusts
//!   every local user: anybody who can log in to the machine can read it.
//! * [`TestDatabase`] is one database for one test, cloned in some 20 ms from a template, in a
//!   cluster that all test processes of a target folder share and that ends when the last is gone.
//!
//! The binaries are PostgreSQL's own ([`Binaries::find`] says where it looks); nothing is
//! downloaded here. Only Linux is supported: parent death and idle shutdown rest on `setpriv` and
//! `flock` of util-linux.

mod binaries;
mod cluster;
mod error;
mod folder;
mod initdb;
mod postmaster;
mod processes;
mod run_as;
mod shared;
mod test_database;

pub use binaries::Binaries;
pub use cluster::{Cluster, Options, Stop};
pub use error::Error;
pub use folder::{Folder, RunningServer};
pub use test_database::{BoxError, TestDatabase};
