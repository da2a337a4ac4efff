//! The alert rules that are shipped, evaluated over what the suite scrapes: an alert that cannot fire
//! is worse than none.
//!
//! Production scrapes every 15 s and its H is 30 s; the suite scrapes every half second and its H is
//! 5 s. So that a run ends, windows and waiting times of rules are shortened here by [`FASTER`];
//! expressions and thresholds are not touched.

mod evaluate;
mod expression;
mod history;
mod recorder;
mod rules;

pub(crate) use self::recorder::Recorder;
pub(crate) use self::rules::Rules;

/// How much faster time passes for rules in a run.
pub(crate) const FASTER: u32 = 20;
