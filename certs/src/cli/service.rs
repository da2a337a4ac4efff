//! `certs service`: a service client's key and certificate.

use std::path::PathBuf;
use std::process::ExitCode;

use certs::folder::{Leaf, LeafOptions};
use certs::{CrlUrl, MAX_LEAF_DAYS, PkiFolder, ServiceSpec, names};
use clap::Args;
use serde_json::json;

use super::{Context, shown};

/// Make the key and the certificate of a service client, and print its fingerprint
#[derive(Args, Debug)]
pub(crate) struct Service {
    /// Folder of the PKI
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Name of the service client (a-z 0-9 -); the certificate says CN=svc.<NAME>
    #[arg(long, value_name = "NAME", value_parser = service_name)]
    name: String,
    /// Days of validity; it ends with the issuing authority at the latest
    #[arg(long, value_name = "DAYS", default_value_t = 365,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_LEAF_DAYS)))]
    days: u16,
    /// Where the revocation list of the service authority is served (http only)
    #[arg(long, value_name = "URL")]
    crl_url: Option<CrlUrl>,
    /// File name without ending of the .pem and .key in the folder [default: svc-<NAME>]
    #[arg(long, value_name = "STEM", value_parser = stem)]
    out: Option<String>,
    /// Replace the certificate by a new one for the same key
    #[arg(long)]
    renew: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Service {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        let stem = self.out.unwrap_or_else(|| format!("svc-{}", self.name));
        let spec = ServiceSpec {
            name: &self.name,
            days: self.days,
            crl_url: self.crl_url.as_ref(),
        };
        let leaf = PkiFolder::new(self.dir).service_leaf(
            LeafOptions {
                stem: &stem,
                renew: self.renew,
            },
            &spec,
            context.now,
            &mut context.rng,
        )?;
        say_leaf(context, self.json, &leaf)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints where a leaf is and what it is known by.
pub(super) fn say_leaf(context: &mut Context<'_>, json: bool, leaf: &Leaf) -> anyhow::Result<()> {
    let certificate = &leaf.certificate;
    let lines = format!(
        "{outcome:<17}{file}\nkey              {key}\nsubject          {subject}\n\
         names            {names}\nends             {ends}\nfingerprint      {fingerprint}",
        outcome = leaf.outcome.as_str(),
        file = leaf.certificate_file.display(),
        key = leaf.key_file.display(),
        subject = certificate.subject(),
        names = certificate.alternative_names().join(" "),
        ends = shown(certificate.not_after()),
        fingerprint = certificate.fingerprint(),
    );
    let value = json!({
        "outcome": leaf.outcome.as_str(),
        "certificateFile": leaf.certificate_file,
        "keyFile": leaf.key_file,
        "subject": certificate.subject(),
        "names": certificate.alternative_names(),
        "serial": certificate.serial().to_string(),
        "notBefore": shown(certificate.not_before()),
        "notAfter": shown(certificate.not_after()),
        "fingerprint": certificate.fingerprint().to_string(),
    });
    Ok(context.say(json, &lines, &value)?)
}

fn service_name(text: &str) -> Result<String, certs::NameError> {
    names::check_service_name(text).map(|()| text.to_owned())
}

/// A file name without ending that stays in the folder and is not one of an authority.
pub(super) fn stem(text: &str) -> Result<String, &'static str> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
    let fits = (1..=100).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with('.')
        && !text.ends_with("-trust")
        && !text.contains("-ca");
    if fits {
        Ok(text.to_owned())
    } else {
        Err(
            "a file name without ending is 1 to 100 of the characters A-Z a-z 0-9 _ - . and is \
             not that of an authority (-ca) or bundle (-trust)",
        )
    }
}
