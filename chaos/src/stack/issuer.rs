//! dev-issuer: where the administrator's token comes from. No fault ever touches it.

use super::{ADMIN_SECRET, Places};
use crate::process::{Process, command};

pub(super) struct Issuer {
    _process: Process,
    pub(super) url: String,
    token_endpoint: String,
    secret: String,
}

/// What it takes to get a token.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) token_endpoint: String,
    pub(super) client: &'static str,
    pub(super) secret: String,
}

impl Issuer {
    pub(super) async fn start(places: &Places) -> anyhow::Result<Self> {
        let file = places.address_file("dev-issuer");
        let admin = places.file(ADMIN_SECRET);
        let mut issuer = command(&places.programs.path("dev-issuer"));
        issuer
            .arg("--address-file")
            .arg(&file)
            .arg("--secrets-file")
            .arg(places.file("issuer-secrets.json"))
            .args(["--client", &format!("admin:{}:admin", admin.display())]);
        let process = Process::start("dev-issuer", &issuer, &places.log("dev-issuer"))?;
        let addresses = process.addresses(&file).await?;
        let text = |name: &str| {
            let text = addresses[name].as_str().map(str::to_owned);
            text.ok_or_else(|| anyhow::anyhow!("the issuer does not say its {name}"))
        };
        Ok(Self {
            url: text("issuer")?,
            token_endpoint: text("token_endpoint")?,
            secret: std::fs::read_to_string(&admin)?.trim().to_owned(),
            _process: process,
        })
    }

    pub(super) fn login(&self) -> Login {
        Login {
            token_endpoint: self.token_endpoint.clone(),
            client: "admin",
            secret: self.secret.clone(),
        }
    }
}
