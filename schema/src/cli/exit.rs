//! Why a command failed, and which exit code that is.

/// A failure with its exit code. Its sentence never holds a password: none is ever put in.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 78: settings, files, a database of another release.
    Config(anyhow::Error),
    /// 1: everything else.
    Other(anyhow::Error),
}

impl Failure {
    pub(crate) fn config(error: impl Into<anyhow::Error>) -> Self {
        Self::Config(error.into())
    }

    pub(crate) fn other(error: impl Into<anyhow::Error>) -> Self {
        Self::Other(error.into())
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Config(_) => 78,
            Self::Other(_) => 1,
        }
    }

    /// One sentence: what the server said is part of our errors' own text already.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Config(error) | Self::Other(error) => error.to_string(),
        }
    }
}
