//! `api-service`: see `api_service::cli` for its commands.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    api_service::cli::main().await
}
