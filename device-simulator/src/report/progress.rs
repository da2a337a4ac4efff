//! A bar on the terminal: how many devices are enrolled and connected. Nothing without a terminal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::board::Board;

const PERIOD: Duration = Duration::from_millis(100);

/// The bar.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    board: Arc<Board>,
}

impl Progress {
    /// A bar on stderr, or `None` if stderr is no terminal.
    pub fn on_terminal(board: Arc<Board>) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::new(board.totals().devices);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} connected, {msg}")
            .expect("the template is a constant that is tried by a test");
        bar.set_style(style);
        Some(Self { bar, board })
    }

    /// Redraws until `done`.
    pub async fn keep(self, done: CancellationToken) {
        loop {
            let totals = self.board.totals();
            self.bar.set_position(totals.connected);
            self.bar.set_message(format!(
                "{} enrolled, {} failed, {} published, {} acknowledged",
                totals.enrolled, totals.failed, totals.published, totals.acked
            ));
            tokio::select! {
                () = done.cancelled() => break,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_of_the_bar_is_well_formed() {
        ProgressStyle::with_template("{bar:30} {pos}/{len} connected, {msg}").unwrap();
    }
}
