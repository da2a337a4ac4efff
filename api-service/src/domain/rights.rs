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
    /// Revoke devices for good.
    Revoke,
    /// Retire and revoke single certificates.
    EndCertificate,
    /// See accounts, write into their profiles, keep them out and let them in.
    ManageUsers,
    /// See and mend what goes on behind: dead letters, replicas.
    Operate,
    /// Own what is anybody's: devices, groups, organizations.
    Everything,
    /// Say which plans there are, and who has which.
    ManagePlans,
    /// See everybody's balance and enter into it.
    ManageBalances,
    /// See all that is held on somebody, and erase them.
    ManagePersonalData,
    /// See what was done and refused, by whom.
    ReadAudit,
}

/// Platform-wide roles of an access token.
const ADMIN: &str = "admin";
const MANUFACTURER: &str = "manufacturer";

impl Right {
    /// The roles that have this right; any one is enough.
    pub(crate) fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Enrol | Self::ReadDevices => &[ADMIN, MANUFACTURER],
            Self::ReplaceKey
            | Self::Revoke
            | Self::EndCertificate
            | Self::ManageUsers
            | Self::Operate
            | Self::Everything
            | Self::ManagePlans
            | Self::ManageBalances
            | Self::ManagePersonalData
            | Self::ReadAudit => &[ADMIN],
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
            Right::EndCertificate,
            Right::ManageUsers,
            Right::Operate,
            Right::Everything,
            Right::ReadAudit,
            Right::ManagePlans,
            Right::ManageBalances,
            Right::ManagePersonalData,
        ];
        let of = |role: &str| rights.map(|right| right.is_had(|each| each == role));
        assert_eq!(of("admin"), [true; 12]);
        let mut factory = [false; 12];
        (factory[0], factory[2]) = (true, true);
        assert_eq!(of("manufacturer"), factory);
        assert_eq!(of("user"), [false; 12]);
        assert_eq!(of("Admin"), [false; 12]);
    }
}
