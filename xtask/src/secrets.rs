//! `cargo xtask secrets`: the passwords that `compose.yaml` mounts.
//!
//! Makes what is missing and never replaces a file: a password that a database was made with
//! cannot be made again.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;

use crate::checkout::Checkout;
use crate::console::Console;
use crate::stack::layout::private_folder;
use crate::stack::secrets;

/// The folder below the state folder.
const FOLDER: &str = "secrets";

/// Files of one random word each.
const PASSWORDS: &[&str] = &[
    "postgres-password",
    "hook-database-password",
    "api-database-password",
    "emqx-cookie",
    "emqx-dashboard-password",
];

/// The key of the broker's management API, in EMQX's bootstrap form `key:secret`.
const API_KEY: &str = "emqx-api-key";
/// The public half of it.
const API_KEY_NAME: &str = "iot-hub";

pub(crate) fn run(checkout: &Checkout, console: &Console) -> anyhow::Result<()> {
    let folder = checkout.state().join(FOLDER);
    let made = make(&folder)?;
    if made.is_empty() {
        console.say(format!(
            "all secrets were there already, in .state/{FOLDER}"
        ));
    } else {
        console.say(format!("made {} in .state/{FOLDER}", made.join(", ")));
    }
    Ok(())
}

/// Makes what is missing and returns its names.
fn make(folder: &Path) -> anyhow::Result<Vec<&'static str>> {
    private_folder(folder)?;
    let mut made = Vec::new();
    for name in PASSWORDS.iter().copied().chain([API_KEY]) {
        let path = folder.join(name);
        if path.exists() {
            continue;
        }
        let word = secrets::random()?;
        let text = if name == API_KEY {
            format!("{API_KEY_NAME}:{word}")
        } else {
            word
        };
        secrets::write(&path, &text)?;
        // Compose mounts the file as it is, and the containers' users are not its owner. On this
        // machine the folder, which only its owner may enter, keeps others out.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))
            .with_context(|| format!("opening {} for the containers", path.display()))?;
        made.push(name);
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_of_compose_is_made_once_behind_a_closed_folder() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("secrets");
        assert_eq!(make(&folder).unwrap().len(), PASSWORDS.len() + 1);
        let key = std::fs::read_to_string(folder.join(API_KEY)).unwrap();
        assert!(key.starts_with("iot-hub:") && key.len() > 40);
        assert_eq!(
            folder.metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );

        assert_eq!(make(&folder).unwrap(), Vec::<&str>::new());
        assert_eq!(std::fs::read_to_string(folder.join(API_KEY)).unwrap(), key);
    }

    #[test]
    fn the_names_are_those_that_compose_mounts() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let compose = std::fs::read_to_string(root.join("compose.yaml")).unwrap();
        let mounted = compose.lines().filter_map(|line| {
            let (_, file) = line.split_once("{ file: .state/secrets/")?;
            Some(file.trim_end_matches([' ', '}']))
        });
        let mut mounted: Vec<&str> = mounted.collect();
        let mut made: Vec<&str> = PASSWORDS.iter().copied().chain([API_KEY]).collect();
        mounted.sort_unstable();
        made.sort_unstable();
        assert_eq!(made, mounted);
    }
}
