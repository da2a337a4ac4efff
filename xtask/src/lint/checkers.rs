//! Checkers of everything that is not Rust: YAML, Dockerfiles, workflows, shell, manifests.
//!
//! All of them work offline; `.ci/requirements.txt` lists them. On a laptop a checker that is not
//! installed is left out, loudly; in CI it has to be there.

use anyhow::Context;

use crate::checkout::Checkout;
use crate::console::Console;
use crate::process::{Shell, output};
use crate::tidy::tree;

/// A checker and what it is run on.
struct Checker {
    program: &'static str,
    args: &'static [&'static str],
    files: fn(&str) -> bool,
}

const CHECKERS: &[Checker] = &[
    Checker {
        program: "yamllint",
        args: &["--strict"],
        files: is_yaml,
    },
    Checker {
        program: "check-jsonschema",
        args: &["--builtin-schema", "vendor.compose-spec"],
        files: |path| path == "compose.yaml",
    },
    Checker {
        program: "check-jsonschema",
        args: &["--builtin-schema", "vendor.github-workflows"],
        files: is_workflow,
    },
    Checker {
        program: "zizmor",
        args: &["--offline", "--quiet"],
        files: is_workflow,
    },
    Checker {
        program: "hadolint",
        args: &[],
        files: |path| {
            path.rsplit('/')
                .next()
                .is_some_and(|name| name.starts_with("Dockerfile"))
        },
    },
    Checker {
        program: "shellcheck",
        args: &[],
        files: |path| has_extension(path, "sh") || path == ".ci/run",
    },
    Checker {
        program: "kubernetes-validate",
        args: &["--strict", "-k", OLDEST_KUBERNETES],
        files: |path| {
            path.starts_with("k8s/base/") && is_yaml(path) && !path.ends_with("kustomization.yaml")
        },
    },
];

/// The version that manifests are checked against.
const OLDEST_KUBERNETES: &str = "1.33";

fn is_yaml(path: &str) -> bool {
    has_extension(path, "yaml") || has_extension(path, "yml")
}

fn is_workflow(path: &str) -> bool {
    path.starts_with(".github/workflows/") && is_yaml(path)
}

fn has_extension(path: &str, extension: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

/// Runs every checker that is installed; returns the names of those that found something, or that
/// are missing where they must not be.
pub(super) async fn run(
    checkout: &Checkout,
    shell: &Shell,
    console: &Console,
) -> anyhow::Result<Vec<&'static str>> {
    let required = std::env::var_os("CI").is_some();
    let paths = tree::list(checkout.root())?;
    let mut failed = Vec::new();
    for checker in CHECKERS {
        let files: Vec<&String> = paths.iter().filter(|path| (checker.files)(path)).collect();
        if files.is_empty() {
            continue;
        }
        let told = format!("{} {}", checker.program, checker.args.join(" "));
        if shell.find(checker.program).is_none() {
            console.say(format!(
                "{told}: not installed, so {} files were NOT checked: `pip install -r .ci/requirements.txt`",
                files.len()
            ));
            if required {
                failed.push(checker.program);
            }
            continue;
        }
        let mut command = shell.command(checker.program);
        command
            .current_dir(checkout.root())
            .args(checker.args)
            .args(&files);
        let finished = output(&mut command).await.with_context(|| told.clone())?;
        if finished.status.success() {
            console.say(format!("{told}: {} files", files.len()));
        } else {
            console.say(format!("{told} found:\n{}", finished.all()));
            failed.push(checker.program);
        }
    }
    failed.extend(overlays(checkout, shell, console, required).await?);
    Ok(failed)
}

/// The overlays are checked as they would be applied, which takes `kubectl` to put them together.
async fn overlays(
    checkout: &Checkout,
    shell: &Shell,
    console: &Console,
    required: bool,
) -> anyhow::Result<Option<&'static str>> {
    const NAME: &str = "kubectl kustomize";
    if shell.find("kubectl").is_none() || shell.find("kubernetes-validate").is_none() {
        console.say(format!("{NAME}: kubectl or kubernetes-validate is not installed, so the production overlay was NOT checked"));
        return Ok(required.then_some(NAME));
    }
    let mut kustomize = shell.command("kubectl");
    kustomize.current_dir(checkout.root()).args([
        "kustomize",
        "--load-restrictor",
        "LoadRestrictionsNone",
        "k8s/overlays/prod",
    ]);
    let rendered = output(&mut kustomize).await?;
    if !rendered.status.success() {
        console.say(format!("{NAME}: {}", rendered.all()));
        return Ok(Some(NAME));
    }
    let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
    std::fs::write(file.path(), &rendered.stdout)?;
    let mut validate = shell.command("kubernetes-validate");
    validate
        .args(["--strict", "-k", OLDEST_KUBERNETES])
        .arg(file.path());
    let finished = output(&mut validate).await?;
    if finished.status.success() {
        console.say(format!(
            "{NAME} k8s/overlays/prod, then kubernetes-validate: well"
        ));
        return Ok(None);
    }
    console.say(format!("{NAME} k8s/overlays/prod:\n{}", finished.all()));
    Ok(Some(NAME))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_checker_has_something_to_check_in_this_checkout() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let paths = tree::list(root).unwrap();
        for checker in CHECKERS {
            assert!(
                paths.iter().any(|path| (checker.files)(path)),
                "{} {}",
                checker.program,
                checker.args.join(" ")
            );
        }
    }

    #[test]
    fn every_installed_checker_is_pinned() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let pinned = std::fs::read_to_string(root.join(".ci/requirements.txt")).unwrap();
        for checker in CHECKERS {
            assert!(pinned.contains(checker.program), "{}", checker.program);
        }
    }
}
