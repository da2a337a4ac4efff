//! Money: amounts in a currency's smallest unit, and what may be done with them.

/// Largest amount of one entry, in the smallest unit.
pub(crate) const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// Largest balance: the largest whole number that every JSON reader keeps exactly (2^53 - 1).
pub(crate) const BALANCE_MAX: i64 = 9_007_199_254_740_991;

/// Longest reference and longest note, in characters.
const REFERENCE_CHARS_MAX: usize = 128;
const NOTE_CHARS_MAX: usize = 256;

/// What an entry is for. The kind says which sign its amount has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// Money came in.
    TopUp,
    /// Something was paid.
    Charge,
    /// Something that was paid came back.
    Refund,
    /// A mistake is made good, either way.
    Correction,
}

/// An ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Currency(String);

/// The caller's name for an entry: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference(String);

/// What people say of an entry: 1 to 256 characters in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LedgerNote(String);

impl EntryKind {
    /// The word in the database and on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Correction => "correction",
        }
    }

    /// The kind of a word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let all = [Self::TopUp, Self::Charge, Self::Refund, Self::Correction];
        all.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Reads a word of a request.
    pub(crate) fn parse(word: &str) -> Result<Self, &'static str> {
        Self::from_word(word).ok_or("must be top_up, charge, refund or correction")
    }

    /// Whether an amount has this kind's sign.
    pub(crate) fn takes(self, amount: i64) -> bool {
        match self {
            Self::TopUp | Self::Refund => amount > 0,
            Self::Charge => amount < 0,
            Self::Correction => amount != 0,
        }
    }
}

impl Currency {
    /// Reads a code.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        fits.then(|| Self(text.to_owned()))
            .ok_or("must be a code of ISO 4217, like EUR")
    }

    /// The code.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Reference {
    /// Reads a reference.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = (1..=REFERENCE_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
            .ok_or("must be 1 to 128 visible ASCII characters")
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl LedgerNote {
    /// Reads a note.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = (1..=NOTE_CHARS_MAX).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned())).ok_or(
            "must be 1 to 256 characters, without control characters and without spaces at the ends",
        )
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The balance after an entry; `None` if it would be below zero or above [`BALANCE_MAX`].
pub(crate) fn balance_after(balance: i64, amount: i64) -> Option<i64> {
    let after = balance.checked_add(amount)?;
    (0..=BALANCE_MAX).contains(&after).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_says_the_sign_and_nothing_is_no_amount() {
        for (kind, amount, fits) in [
            (EntryKind::TopUp, 1, true),
            (EntryKind::TopUp, -1, false),
            (EntryKind::Refund, 1, true),
            (EntryKind::Refund, -1, false),
            (EntryKind::Charge, -1, true),
            (EntryKind::Charge, 1, false),
            (EntryKind::Correction, 1, true),
            (EntryKind::Correction, -1, true),
        ] {
            assert_eq!(kind.takes(amount), fits, "{kind:?} {amount}");
            assert!(!kind.takes(0), "{kind:?}");
            assert_eq!(EntryKind::from_word(kind.as_str()), Some(kind));
        }
        assert!(EntryKind::parse("gift").is_err());
    }

    #[test]
    fn a_balance_is_never_below_zero_and_never_wraps() {
        assert_eq!(balance_after(5, -5), Some(0));
        assert_eq!(balance_after(5, -6), None);
        assert_eq!(balance_after(BALANCE_MAX - 1, 1), Some(BALANCE_MAX));
        assert_eq!(balance_after(BALANCE_MAX, 1), None);
        assert_eq!(balance_after(i64::MAX, i64::MAX), None);
    }

    #[test]
    fn codes_references_and_notes_end_at_their_limits() {
        assert!(Currency::parse("EUR").is_ok());
        for bad in ["", "eur", "EURO", "E1R", "ЕВР"] {
            assert!(Currency::parse(bad).is_err(), "{bad}");
        }
        assert!(Reference::parse(&"r".repeat(128)).is_ok());
        for bad in ["", "a b", "счёт", &"r".repeat(129)] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
        assert!(LedgerNote::parse(&"ж".repeat(256)).is_ok());
        for bad in ["", " a", "a\nb", &"ж".repeat(257)] {
            assert!(LedgerNote::parse(bad).is_err(), "{bad:?}");
        }
    }
}
