//! `cargo xtask up --demo`: the whole story once.
use crate::checkout::Checkout;
use crate::cli::UpOptions;
use crate::console::Console;
pub(crate) async fn run(
    _checkout: &Checkout,
    _console: &Console,
    _options: &UpOptions,
) -> anyhow::Result<()> {
    anyhow::bail!("later")
}
