//! Why the command ends without having done its work: one sentence and an exit code.
//!
//! Never used for what a device meets on the way (a refused connect is an event, not a failure).

use std::fmt;
use std::process::ExitCode;

/// One sentence for a person and the code for a supervisor.
///
/// The codes are those of `sysexits.h`: 64 for bad usage, 78 for bad configuration (settings, key
/// and state files), 1 for the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    sentence: String,
}

impl Failure {
    /// The command line asks for something that cannot be: exit code 64.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self {
            code: 64,
            sentence: sentence.into(),
        }
    }

    /// A file, folder or setting the command was pointed at is unfit: exit code 78.
    pub fn config(sentence: impl Into<String>) -> Self {
        Self {
            code: 78,
            sentence: sentence.into(),
        }
    }

    /// Anything else: exit code 1.
    pub fn other(sentence: impl Into<String>) -> Self {
        Self {
            code: 1,
            sentence: sentence.into(),
        }
    }

    /// The exit code as a number.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        Self::from(failure.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.sentence)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (exit code {})", self.sentence, self.code)
    }
}

impl std::error::Error for Failure {}
