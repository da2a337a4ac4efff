//! The table of codes in `docs/DOCTOR.md`.

use std::fmt::Write as _;

use crate::doctor::checks;

/// Every rule as a row of a Markdown table.
pub(crate) fn markdown() -> String {
    let mut text =
        "| code | severity | why it matters | how we know | mend |\n|---|---|---|---|---|\n"
            .to_owned();
    for rule in checks::rules() {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            rule.code,
            rule.severity,
            cell(rule.why),
            cell(rule.source),
            cell(rule.mend),
        );
    }
    text
}

/// A bar would end the cell, and an angle bracket would begin a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn the_page_has_the_table_that_the_code_makes() {
        let page = include_str!("../../../../docs/DOCTOR.md");
        let table = markdown();
        assert!(
            page.contains(&table),
            "docs/DOCTOR.md is behind: put the output of `api-service doctor --codes` there"
        );
    }
}
