//! Which role may do what. The one table; every handler asks it once.

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// Register devices and renew the certificates of keys that are known.
    Enrol,
    /// Give a known device another key.
    ReplaceKey,
    /// See devices, their certificates and what is under way for them.
    ReadDevices,
    /// Revoke a device for good.
    Revoke,
}

/// Platform-wide roles of an access token.
const ADMIN: &str = "admin";
const MANUFACTURER: &str = "manufacturer";

impl Right {
    /// The roles that have this right; any one is enough.
    pub(crate) fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Enrol | Self::ReadDevices => &[ADMIN, MANUFACTURER],
            Self::ReplaceKey | Self::Revoke => &[ADMIN],
        }
    }

    /// Whether a holder of some roles has this right.
    pub(crate) fn is_had(self, has_role: impl Fn(&str) -> bool) -> bool {
        self.roles().iter().any(|role| has_role(role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_rights() {
        let rights = [
            Right::Enrol,
            Right::ReplaceKey,
            Right::ReadDevices,
            Right::Revoke,
        ];
        let of = |role: &str| rights.map(|right| right.is_had(|each| each == role));
        assert_eq!(of("admin"), [true, true, true, true]);
        assert_eq!(of("manufacturer"), [true, false, true, false]);
        assert_eq!(of("user"), [false; 4]);
        assert_eq!(of("Admin"), [false; 4]);
    }
}
