//! The command line, and nothing that acts on it.

use clap::{Args, Parser, Subcommand};

/// Starts, checks and tests IoT Hub from a checkout.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the whole local stack and say where everything is; Ctrl-C stops all of it.
    Up(UpOptions),
    /// Everything CI runs: tools, `cargo test`, the contract, `tidy`, the end-to-end demo, a short chaos run.
    Test(TestOptions),
    /// Format, clippy, rustdoc and the dependency check, all with warnings as errors.
    Lint,
    /// The rules of the tree that no compiler knows: sizes, import arrows, SQL, headers, secrets.
    Tidy,
    /// Find or install what the stack and the tests need besides Rust.
    Tools,
    /// Make the passwords that `compose.yaml` mounts, under `.state/secrets/`; never overwrites one.
    Secrets,
    /// What takes hours: the whole chaos suite, long models, all measurements, fuzzing, sabotage.
    Nightly(NightlyOptions),
    /// Break a scratch copy in known ways and show that a test catches each (nightly).
    Sabotage(SabotageOptions),
}

#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct UpOptions {
    /// Throw away the state of earlier runs first: database, certificates, secrets, devices.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Run the whole story once in a state folder of its own and exit 0, or say what failed.
    #[arg(long)]
    pub(crate) demo: bool,
    /// With --demo: the last line of stdout is one JSON object with what was counted.
    #[arg(long, requires = "demo")]
    pub(crate) json: bool,
    /// With --demo: keep the state folder, logs included, after a success too.
    #[arg(long, requires = "demo")]
    pub(crate) keep: bool,
    /// How many devices to simulate (1 to 1000). Default: 5, or 24 with --demo.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) devices: Option<u32>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct TestOptions {
    /// Leave the end-to-end demo and the chaos run out.
    #[arg(long)]
    pub(crate) no_demo: bool,
    /// Only the contract: schemathesis and the TypeScript client against the service.
    #[arg(long, conflicts_with = "no_demo")]
    pub(crate) contract: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NightlyOptions {
    /// Only the parts whose name contains this.
    #[arg(long, value_name = "PART")]
    pub(crate) only: Option<String>,
    /// List the parts and end.
    #[arg(long)]
    pub(crate) list: bool,
    /// Minutes for each fuzz target (1 to 600).
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) fuzz_minutes: u32,
    /// The last line of stdout is one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct SabotageOptions {
    /// Only the sabotages whose name contains this.
    #[arg(long, value_name = "PART")]
    pub(crate) only: Option<String>,
    /// The last line of stdout is one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
