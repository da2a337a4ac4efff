//! Why a device is revoked, in the words of RFC 5280 section 5.3.1.

use certs::RevocationReason;

/// The words that a caller may give. `CACompromise` is not among them: it is about an authority.
pub(crate) const REASONS: &[RevocationReason] = &[
    RevocationReason::Unspecified,
    RevocationReason::KeyCompromise,
    RevocationReason::AffiliationChanged,
    RevocationReason::Superseded,
    RevocationReason::CessationOfOperation,
    RevocationReason::PrivilegeWithdrawn,
];

/// Reads a caller's word.
pub(crate) fn parse(text: &str) -> Result<RevocationReason, String> {
    let found = REASONS.iter().find(|reason| reason.as_str() == text);
    found.copied().ok_or_else(|| {
        let words: Vec<_> = REASONS.iter().map(|reason| reason.as_str()).collect();
        format!("must be one of: {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_the_words_of_the_rfc_about_devices() {
        assert_eq!(parse("keyCompromise"), Ok(RevocationReason::KeyCompromise));
        for bad in ["", "KeyCompromise", "CACompromise", "stolen"] {
            assert!(parse(bad).unwrap_err().contains("unspecified"), "{bad}");
        }
    }
}
