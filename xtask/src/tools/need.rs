//! The list of what is needed, and how each is recognised.

use std::path::PathBuf;

use crate::process::Shell;

/// Something that has to be on the machine.
#[derive(Debug)]
pub(crate) struct Need {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Programs that must all be found.
    programs: &'static [&'static str],
    /// Debian packages that bring them.
    pub(crate) packages: &'static [&'static str],
}

impl Need {
    /// Where its first program is, when all of them are there.
    pub(crate) fn find(&self, shell: &Shell) -> Option<PathBuf> {
        let mut places = self.programs.iter().map(|program| shell.find(program));
        let first = places.next()??;
        places.all(|place| place.is_some()).then_some(first)
    }
}

/// Everything that is needed besides Rust.
pub(crate) const NEEDS: &[Need] = &[
    Need {
        name: "PostgreSQL",
        programs: &["postgres", "initdb", "pg_ctl", "psql", "createdb"],
        packages: &["postgresql"],
    },
    Need {
        name: "mosquitto clients",
        programs: &["mosquitto_pub", "mosquitto_sub"],
        packages: &["mosquitto-clients"],
    },
    Need {
        name: "openssl",
        programs: &["openssl"],
        packages: &["openssl"],
    },
    Need {
        name: "C compiler",
        programs: &["cc"],
        packages: &["gcc", "libc6-dev"],
    },
    Need {
        name: "setpriv",
        programs: &["setpriv"],
        packages: &["util-linux"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_is_met_only_when_all_its_programs_are_there() {
        let shell = Shell::default();
        let sh = |programs| Need {
            name: "x",
            programs,
            packages: &[],
        };
        assert!(sh(&["sh"]).find(&shell).is_some());
        assert!(
            sh(&["sh", "no-such-program-anywhere"])
                .find(&shell)
                .is_none()
        );
    }
}
