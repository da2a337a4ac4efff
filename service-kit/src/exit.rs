//! How a service ends: the exit codes that scripts and supervisors can tell apart.

use std::process::ExitCode;

/// Why a process ends, as `sysexits.h` numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked to.
    Ok,
    /// It failed while running.
    Failed,
    /// The command line was wrong (`EX_USAGE`).
    Usage,
    /// A setting, a file it names, or the schema it points to does not fit (`EX_CONFIG`).
    Config,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 64,
            Exit::Config => 78,
        })
    }
}
