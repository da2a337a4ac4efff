//! Putting a new authority of a kind in the place of the one that signs.
//!
//! Both stay in the trust bundle: what the older one signed is trusted until it ends, and the older
//! one goes on signing its revocation lists until then. Nothing is deleted.

use rand::CryptoRng;
use time::OffsetDateTime;

use super::{AuthorityFiles, InitOptions, Outcome, PkiFolder, PkiFolderError, Step};
use crate::CaKind;

/// What a rotation came to.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// The authority that signs from now on.
    pub current: AuthorityFiles,
    /// The ones that only sign lists from now on, oldest first.
    pub retired: Vec<AuthorityFiles>,
    /// What happened to each file.
    pub steps: Vec<Step>,
}

impl PkiFolder {
    /// Makes one more authority of a kind under the newest root and lists all in the trust bundle
    /// and the index.
    ///
    /// The folder must have an authority of the kind already. A rotation that was cut off after its
    /// key was made is finished with that key. The root's key is needed.
    pub fn rotate(
        &self,
        kind: CaKind,
        options: &InitOptions,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Rotation, PkiFolderError> {
        let retired = self.authorities(kind);
        if retired.is_empty() {
            return Err(PkiFolderError::NoAuthority {
                dir: self.dir().to_owned(),
                stem: format!("{kind}-ca"),
            });
        }
        let options = InitOptions {
            add: vec![kind],
            ..options.clone()
        };
        let stem = self.next_stem(kind.as_str())?;
        let mut steps = self.init(&options, now, rng)?;
        steps.retain(|step| step.outcome != Outcome::Kept);
        Ok(Rotation {
            current: self.authority_files(&stem),
            retired,
            steps,
        })
    }
}
