//! What a check says: a rule that holds for every installation, and where this one breaks it.
//!
//! Nothing here is ever a secret: a finding names settings, addresses and numbers.

use std::fmt;

/// How bad it is. The order is the order of the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Worth knowing.
    Note,
    /// A promise is weaker than it could be.
    Warning,
    /// A promise does not hold.
    Error,
}

/// A rule. `docs/DOCTOR.md` lists them all; a code never changes its meaning.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The stable name.
    pub(crate) code: &'static str,
    /// How bad it is to break it.
    pub(crate) severity: Severity,
    /// Why it matters, one sentence.
    pub(crate) why: &'static str,
    /// How we know: an EMQX version and whether it was seen or read, or the page of PostgreSQL.
    pub(crate) source: &'static str,
    /// The exact setting that mends it.
    pub(crate) mend: &'static str,
}

/// A place where a rule is broken.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The rule.
    pub(crate) rule: &'static Rule,
    /// Where: a broker, a listener, a database login, a replica, a file.
    pub(crate) subject: String,
    /// What was found there.
    pub(crate) seen: String,
}

impl Rule {
    /// This rule, broken at a place.
    pub(crate) fn at(
        &'static self,
        subject: impl Into<String>,
        seen: impl Into<String>,
    ) -> Finding {
        Finding {
            rule: self,
            subject: subject.into(),
            seen: seen.into(),
        }
    }
}

impl Severity {
    /// The word in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
