//! The parts of a night, decided before anything runs.

use super::fuzz;
use crate::checkout::Checkout;

/// One part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) work: Work,
}

/// What a part does.
#[derive(Debug)]
pub(super) enum Work {
    /// A cargo command, with more environment.
    Cargo {
        args: Vec<String>,
        env: Vec<(&'static str, String)>,
    },
    /// A command of rustup's cargo, which alone reads `+nightly`.
    Rustup(Vec<String>),
    /// It cannot run here.
    Skip(String),
}

/// Steps of the fence's model: ten times what CI makes.
const MODEL_STEPS: &str = "10000000";

/// What is measured, each with the arguments of its full form.
const MEASURED: &[(&str, &[&str])] = &[
    ("hooks", &["hooks"]),
    // Ten million devices need 6 GiB and some minutes, so no other command insists on them.
    ("table", &["table", "--ten-million"]),
    ("storm", &["storm"]),
    ("overload", &["overload"]),
    ("restart", &["restart"]),
    ("revoke", &["revoke"]),
    ("revoke-faults", &["revoke", "--faults"]),
    ("api", &["api"]),
];

/// All parts, the ones that find wrong answers first.
pub(super) fn all(checkout: &Checkout, fuzz_minutes: u32) -> anyhow::Result<Vec<Part>> {
    let mut parts = vec![
        Part {
            name: "chaos".to_owned(),
            about: "every fault, with its judgement and all alerts".to_owned(),
            work: released("chaos", &["--json"]),
        },
        Part {
            name: "fence-model".to_owned(),
            about: format!("the randomized model of the fence, {MODEL_STEPS} steps"),
            work: Work::Cargo {
                args: words(&["test", "--release", "--locked", "--package", "lease"]),
                env: vec![("LEASE_MODEL_STEPS", MODEL_STEPS.to_owned())],
            },
        },
        Part {
            name: "sabotage".to_owned(),
            about: "known ways to break the code, each to be caught".to_owned(),
            work: Work::Cargo {
                args: words(&["xtask", "sabotage", "--json"]),
                env: Vec::new(),
            },
        },
    ];
    for (name, args) in MEASURED {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        parts.push(Part {
            name: format!("benches-{name}"),
            about: format!("benches {}", args.join(" ")),
            work: released("benches", &args),
        });
    }
    parts.extend(fuzz::parts(checkout.root(), fuzz_minutes)?);
    Ok(parts)
}

fn released(package: &str, args: &[&str]) -> Work {
    let cargo = ["run", "--release", "--quiet", "--locked", "--package"];
    let program = [package, "--"];
    let all = cargo.iter().chain(&program).chain(args);
    Work::Cargo {
        args: all.map(|word| (*word).to_owned()).collect(),
        env: Vec::new(),
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_that_has_a_bar_is_measured_and_ten_million_devices_are() {
        let checkout = Checkout::find().unwrap();
        let parts = all(&checkout, 1).unwrap();
        for (name, _) in MEASURED {
            let name = format!("benches-{name}");
            assert!(parts.iter().any(|part| part.name == name), "{name}");
        }
        let of = |wanted: &str| parts.iter().find(|part| part.name == wanted).unwrap();
        assert_eq!(
            of("benches-table").about,
            "benches table --ten-million --json"
        );
        for name in [
            "hooks",
            "storm",
            "overload",
            "restart",
            "revoke",
            "revoke-faults",
            "api",
        ] {
            of(&format!("benches-{name}"));
        }
    }

    #[test]
    fn every_part_has_a_name_of_its_own_that_can_be_a_file_s() {
        let checkout = Checkout::find().unwrap();
        let parts = all(&checkout, 1).unwrap();
        let mut names: Vec<_> = parts.iter().map(|part| part.name.as_str()).collect();
        assert!(
            names.iter().all(|name| !name.contains(['/', ' '])),
            "{names:?}"
        );
        assert!(
            names
                .iter()
                .filter(|name| name.starts_with("fuzz-"))
                .count()
                >= 6
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), parts.len());
    }
}
