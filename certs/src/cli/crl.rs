//! `certs crl`: a revocation list without the API.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use certs::crl::{MAX_CRL_BYTES, MAX_CRL_DAYS};
use certs::folder::read::read_limited;
use certs::folder::write::write_public;
use certs::{
    CaKind, CrlSpec, CrlUrl, PkiFolder, RevocationList, RevocationReason, RevokedEntry, Serial,
};
use clap::{Args, ValueEnum};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{Context, read_input, shown};

/// Most bytes of a file of serial numbers: more than 100,000 lines.
const MAX_LIST_BYTES: usize = 16 * 1024 * 1024;

/// Sign a revocation list
///
/// The serial numbers given are the whole list: a certificate that is left out is no longer
/// revoked. An older list in the --out file lends its number, counted up, and the dates of what
/// it revoked already.
#[derive(Args, Debug)]
pub(crate) struct Crl {
    /// Folder of the PKI
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Authority that signs, and whose certificates are revoked
    #[arg(long, value_name = "ISSUER")]
    issuer: Issuer,
    /// The how-many-th authority of this kind [default: the newest whose key is there]
    #[arg(long, value_name = "N")]
    authority: Option<u32>,
    /// A revoked certificate, like 5F3A09C1 or 5F3A09C1:keyCompromise. May be repeated
    #[arg(long, value_name = "SERIAL[:REASON]", value_parser = revoked)]
    revoked: Vec<Revoked>,
    /// A file of them, one a line; # begins a comment. - for standard input
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The list's number, higher than before [default: one more than that of --out, or 1]
    #[arg(long, value_name = "N")]
    number: Option<u64>,
    /// Days until the next list is there at the latest
    #[arg(long, value_name = "DAYS", default_value_t = 7,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CRL_DAYS)))]
    days: u16,
    /// The distribution point, if the list covers only certificates that name this URL
    #[arg(long, value_name = "URL")]
    shard_url: Option<CrlUrl>,
    /// Write DER instead of PEM (EMQX up to 6.2.0 needs PEM)
    #[arg(long)]
    der: bool,
    /// File for the list
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Issuer {
    Root,
    Device,
    Service,
    Server,
}

#[derive(Debug, Clone, Copy)]
struct Revoked {
    serial: Serial,
    reason: RevocationReason,
}

impl Crl {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        let previous = previous(&self.out)?;
        let number = next_number(self.number, previous.as_ref())?;
        let mut revoked = self.revoked.clone();
        if let Some(file) = &self.list {
            revoked.extend(read_list(file)?);
        }
        let entries = dated(&revoked, previous.as_ref(), context.now);
        let spec = CrlSpec {
            number,
            this_update: context.now,
            next_update: context.now + Duration::days(self.days.into()),
            shard: self.shard_url.as_ref(),
        };
        let list = self.sign(&spec, entries)?;
        let bytes = if self.der {
            list.der().to_vec()
        } else {
            list.pem().into_bytes()
        };
        write_public(&self.out, &bytes).with_context(|| self.out.display().to_string())?;
        let entries = list.entries().count();
        let next = shown(spec.next_update);
        let lines = format!(
            "made             {}\nissuer           {}\nnumber           {number}\n\
             entries          {entries}\nnext update      {next}",
            self.out.display(),
            list.issuer(),
        );
        let value = json!({
            "file": self.out,
            "issuer": list.issuer(),
            "number": number,
            "entries": entries,
            "nextUpdate": next,
        });
        context.say(self.json, &lines, &value)?;
        Ok(ExitCode::SUCCESS)
    }

    fn sign(
        &self,
        spec: &CrlSpec<'_>,
        entries: Vec<RevokedEntry>,
    ) -> anyhow::Result<RevocationList> {
        let folder = PkiFolder::new(&self.dir);
        let kind = match self.issuer {
            Issuer::Root => return Ok(folder.load_root()?.sign_crl(spec, entries)?),
            Issuer::Device => CaKind::Device,
            Issuer::Service => CaKind::Service,
            Issuer::Server => CaKind::Server,
        };
        let issuer = match self.authority {
            Some(number) => folder.load_issuing_numbered(kind, number)?,
            None => folder.load_issuing(kind)?,
        };
        Ok(issuer.sign_crl(spec, entries)?)
    }
}

/// The list that is about to be replaced, if there is one.
fn previous(out: &Path) -> anyhow::Result<Option<RevocationList>> {
    if !out.exists() {
        return Ok(None);
    }
    let bytes = read_limited(out, MAX_CRL_BYTES).with_context(|| out.display().to_string())?;
    RevocationList::parse(&bytes)
        .map(Some)
        .with_context(|| format!("{} exists and will not be replaced", out.display()))
}

fn next_number(given: Option<u64>, previous: Option<&RevocationList>) -> anyhow::Result<u64> {
    let before = previous.and_then(RevocationList::number);
    match (given, before) {
        (Some(given), Some(before)) if given <= before => {
            bail!("the list there has number {before}; --number must be higher than that")
        }
        (Some(given), _) => Ok(given),
        (None, Some(before)) => before
            .checked_add(1)
            .context("the list's number is exhausted"),
        (None, None) => Ok(1),
    }
}

fn dated(
    revoked: &[Revoked],
    previous: Option<&RevocationList>,
    now: OffsetDateTime,
) -> Vec<RevokedEntry> {
    let before: HashMap<Serial, OffsetDateTime> = previous
        .into_iter()
        .flat_map(RevocationList::entries)
        .map(|entry| (entry.serial, entry.at))
        .collect();
    revoked
        .iter()
        .map(|Revoked { serial, reason }| RevokedEntry {
            serial: *serial,
            at: before.get(serial).copied().unwrap_or(now),
            reason: *reason,
        })
        .collect()
}

fn read_list(file: &Path) -> anyhow::Result<Vec<Revoked>> {
    let text = String::from_utf8(read_input(file, MAX_LIST_BYTES)?)
        .with_context(|| format!("{} is not UTF-8 text", file.display()))?;
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let entry = revoked(line).map_err(anyhow::Error::msg);
        entries.push(entry.with_context(|| format!("{} line {}", file.display(), index + 1))?);
    }
    Ok(entries)
}

/// `SERIAL[:REASON]`, where the serial number itself may have colons.
fn revoked(text: &str) -> Result<Revoked, String> {
    if let Ok(serial) = text.parse() {
        return Ok(Revoked {
            serial,
            reason: RevocationReason::Unspecified,
        });
    }
    let (serial, reason) = text.rsplit_once(':').unwrap_or((text, "unspecified"));
    Ok(Revoked {
        serial: serial
            .parse::<Serial>()
            .map_err(|error| error.to_string())?,
        reason: reason.parse::<RevocationReason>()?,
    })
}
