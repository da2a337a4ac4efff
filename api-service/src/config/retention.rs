//! How long is kept what nobody needs for ever.

use service_kit::Settings;

/// Longest time, in days: a century.
const DAYS_MAX: u16 = 36_500;

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetentionConfig {
    /// Audit entries, in days; for ever if nothing.
    pub(crate) audit_days: Option<u16>,
    /// Notifications, in days.
    pub(crate) notification_days: u16,
}

/// Reads `API_AUDIT_DAYS` and `API_NOTIFICATION_DAYS`.
pub(super) fn read(settings: &mut Settings) -> RetentionConfig {
    let audit_days = settings.in_range("API_AUDIT_DAYS", 0, 0..=DAYS_MAX);
    RetentionConfig {
        audit_days: (audit_days > 0).then_some(audit_days),
        notification_days: settings.in_range("API_NOTIFICATION_DAYS", 90, 1..=DAYS_MAX),
    }
}
