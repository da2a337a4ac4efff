//! The command line: scenarios for people, servers for the scenarios' own processes.

use clap::{Parser, Subcommand};

use crate::{api, hooks, micro, overload, people, restart, revoke, servers, storm, table};

/// Measures hook-service beside its peers, in one run on one machine. Build it with --release.
#[derive(Debug, Parser)]
#[command(name = "benches", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The hooks beside nginx, the same hyper stack with a constant, and a no-op server
    Hooks(hooks::Arguments),
    /// The fleet table against a real PostgreSQL: memory, loading, following
    Table(table::Arguments),
    /// A storm of MQTT connects over mutual TLS: what our hook costs beside no authentication
    #[command(long_about = storm::ABOUT)]
    Storm(storm::Arguments),
    /// Revocation to its end: 3 hook processes, live mTLS sessions, an open loop and a bulk call
    Revoke(revoke::Arguments),
    /// People at the hooks: connects with tokens and subscriptions, decided from memberships
    People(people::Arguments),
    /// api-service beside pgbench with the same statements, and its signatures beside bare ones
    Api(api::Arguments),
    /// Five times more than the hooks can answer: what is shed, how soon, and never wrongly
    Overload(overload::Arguments),
    /// Restarts of hook-service under load: nobody may notice
    Restart(restart::Arguments),
    /// The parts of one decision, each alone
    Micro(micro::Arguments),
    /// A server of `hooks`: hook-service's stack with a made-up fleet; for testers on two machines
    ServeHooks(servers::hooks::Arguments),
    /// The server of `people`: hook-service's stack with a made-up fleet and its people
    #[command(hide = true)]
    ServePeople(servers::people::Arguments),
    /// A server of `hooks`: the same hyper stack answering a constant
    #[command(hide = true)]
    ServeConstant(servers::constant::Arguments),
    /// A server of `hooks`: the least that one can do
    #[command(hide = true)]
    ServeFloor(servers::constant::Arguments),
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Hooks(arguments) => hooks::run(&arguments),
        Command::Table(arguments) => table::run(&arguments),
        Command::Storm(arguments) => storm::run(&arguments),
        Command::Revoke(arguments) => revoke::run(&arguments),
        Command::People(arguments) => people::run(&arguments),
        Command::Api(arguments) => api::run(&arguments),
        Command::Overload(arguments) => overload::run(&arguments),
        Command::Restart(arguments) => restart::run(&arguments),
        Command::Micro(arguments) => micro::run(&arguments),
        Command::ServeHooks(arguments) => servers::hooks::serve(&arguments),
        Command::ServePeople(arguments) => servers::people::serve(&arguments),
        Command::ServeConstant(arguments) => servers::constant::serve(&arguments),
        Command::ServeFloor(arguments) => servers::floor::serve(&arguments),
    }
}
