//! No file knows the machine that it was written on.

use super::Violation;
use super::tree::Tree;

/// Beginnings of paths that exist on somebody's machine only. Split, so that this list does not
/// find itself.
const MACHINES: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

/// Recipes name the home folders inside the images that they run.
const RECIPES: &[&str] = &["docker/", "k8s/", "compose.yaml"];

pub(super) fn no_machine(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        if RECIPES.iter().any(|recipe| file.path.starts_with(recipe)) {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            if let Some(machine) = MACHINES.iter().find(|machine| stands(line, machine)) {
                let text = format!("`{machine}...` is a path of one machine: make it relative");
                found.push(Violation::at(&file.path, index + 1, text));
            }
        }
    }
    found
}

/// Whether the path begins there, and is not the middle of a longer path or of a web address.
fn stands(line: &str, machine: &str) -> bool {
    line.match_indices(machine).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| {
            c.is_alphanumeric() || matches!(c, '.' | '/' | '}' | '_' | '-' | '~' | '*')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_somebodys_machine_is_found() {
        let line = format!("see {}me/notes\n", concat!("/ho", "me/"));
        let found = no_machine(&Tree::of(&[("README.md", &line)]));
        assert_eq!((found.len(), found[0].line), (1, 1));
    }

    #[test]
    fn addresses_and_relative_paths_are_not() {
        let text = format!(
            "https://host{0}x $HOME{0}x target{0}x\n",
            concat!("/wo", "rk/")
        );
        assert_eq!(no_machine(&Tree::of(&[("README.md", &text)])), []);
    }
}
