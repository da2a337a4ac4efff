//! The service that is tried, as operators run it.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::contract::world::World;
use crate::support::{eventually, program};

/// The program itself, as a process beside the world's own service, at the same database.
pub struct Served {
    pub url: String,
    _child: tokio::process::Child,
}

impl Served {
    pub async fn start(world: &World, folder: &Path) -> Self {
        let stack = &world.stack;
        let file = folder.join("addresses.json");
        let child = Command::new(program())
            .env_clear()
            .envs(stack.pki.settings())
            .env(
                "API_DATABASE_URL",
                stack.database.as_ref().unwrap().api_url(),
            )
            .env("API_TOKEN_ISSUERS", stack.issuer.issuer())
            .env("API_ADDRESS_FILE", &file)
            // Everything comes from one account at one address, as fast as it can.
            .env("API_RATE_PER_ACCOUNT", "0")
            .env("API_RATE_PER_ADDRESS", "0")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut addresses = Value::Null;
        eventually("the process is ready", async || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            addresses = serde_json::from_str(&text).unwrap_or_default();
            let Some(ops) = addresses["ops"].as_str() else {
                return false;
            };
            let ready = stack.http.get(format!("http://{ops}/readyz")).send().await;
            ready.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
        let url = format!("http://{}", addresses["api"].as_str().unwrap());
        Self { url, _child: child }
    }

    /// The document that it serves.
    pub async fn document(&self, world: &World) -> Value {
        let place = format!("{}/api/v1/openapi.json", self.url);
        let answer = world.stack.http.get(place).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}
