//! Some dozens of lines: judged and signed on a thread of their own, committed together.

use std::collections::HashSet;

use certs::{Certificate, CrlUrl};
use futures::future::try_join_all;
use serde_json::json;

use super::answer::{AnswerLine, RegisteredLine};
use crate::api::Api;
use crate::commands::binding::DEVICE;
use crate::commands::manufacture_device::label;
use crate::commands::manufacture_device::request::Request;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::domain::claim_secret::ClaimSecret;
use crate::domain::label::Label;
use crate::domain::qr::QrForm;
use crate::edge::fields::Fields;
use crate::problem::{Code, FieldError, Problem};
use crate::store::device::NewDevice;
use crate::store::enrol_many::FirstCertificate;

/// A line with its number.
pub(super) struct Numbered {
    pub(super) number: usize,
    pub(super) fields: Result<Fields, Problem>,
}

/// A line on its way.
enum Way {
    /// It came to nothing.
    Refused(Option<String>, Problem),
    /// A good request.
    Asked(Box<Request>),
    /// Signed, not stored yet.
    Signed(Box<Signed>),
}

/// A device about to be stored.
struct Signed {
    request: Request,
    certificate: Certificate,
    crl_shard: Option<i32>,
    secret: Option<ClaimSecret>,
}

/// What batches are made with.
pub(super) struct Batch {
    pub(super) api: Api,
    pub(super) account: AccountId,
}

impl Batch {
    /// Registers what can be registered, and answers every line.
    pub(super) async fn register(self, lines: Vec<Numbered>) -> Vec<AnswerLine> {
        let numbers: Vec<usize> = lines.iter().map(|line| line.number).collect();
        let ways = match self.prepare(lines).await {
            Ok(ways) => ways,
            Err(problem) => {
                let refused = |number| AnswerLine::refused(Some(number), None, problem.clone());
                return numbers.into_iter().map(refused).collect();
            }
        };
        let signed: Vec<&Signed> = ways.iter().filter_map(Way::signed).collect();
        let store = Store {
            signed: &signed,
            actor: Actor::Account(self.account.uuid()),
        };
        let stored = match signed.is_empty() {
            true => Ok(HashSet::new()),
            false => to_its_end(&self.api, &store).await,
        };
        let lines = numbers.into_iter().zip(ways);
        lines
            .map(|(number, way)| way.answer(number, &stored))
            .collect()
    }

    /// Judges every line, and signs for those that may be registered.
    async fn prepare(&self, lines: Vec<Numbered>) -> Result<Vec<Way>, Problem> {
        let signer = &self.api.signer;
        let judged = signer.compute(move || lines.into_iter().map(judge).collect::<Vec<_>>());
        let mut ways = judged.await.map_err(Problem::internal)?;
        self.refuse_taken(&mut ways).await?;
        let mut points = Vec::with_capacity(ways.len());
        for _ in &ways {
            let point = self.api.lists.points.draw(&self.api.store, rand::random());
            points.push(point.await?.map(|point| (point.shard, point.url)).unzip());
        }
        let (signer, now) = (self.api.signer.clone(), (self.api.clock)().into());
        let sign = move || {
            let each = ways.into_iter().zip(points);
            let signed = each.map(|(way, (shard, url))| match way {
                Way::Asked(request) => sign(&signer, *request, shard, url, now),
                other => other,
            });
            signed.collect::<Vec<_>>()
        };
        let signed = self.api.signer.compute(sign).await;
        let signed = signed.map_err(Problem::internal)?;
        let count = signed.iter().filter_map(Way::signed).count() as u64;
        let signatures = &self.api.metrics.signatures;
        signatures
            .with_label_values(&["device_certificate"])
            .inc_by(count);
        Ok(signed)
    }

    /// Refuses what is bound to be refused before a signature is spent on it: ids that are taken, in
    /// the database or by a line before. The insertion decides.
    async fn refuse_taken(&self, ways: &mut [Way]) -> Result<(), Problem> {
        let ids: Vec<&str> = ways.iter().filter_map(Way::asked_id).collect();
        let connection = self.api.store.connect().await?;
        let known = connection.known_devices(&ids).await?;
        drop(connection);
        let mut taken: HashSet<String> = known.into_iter().collect();
        for way in ways {
            if let Some(id) = way.asked_id().map(str::to_owned)
                && !taken.insert(id.clone())
            {
                *way = Way::Refused(Some(id), exists());
            }
        }
        Ok(())
    }
}

fn exists() -> Problem {
    let detail = "a device of this id is registered";
    Problem::new(Code::DeviceExists, detail)
}

/// Reads a line. The signature of its signing request is checked here.
fn judge(line: Numbered) -> Way {
    let fields = match line.fields {
        Ok(fields) => fields,
        Err(problem) => return Way::Refused(None, problem),
    };
    let id = fields.text("deviceId").map(cut);
    let request = match Request::read(fields) {
        Ok(request) => request,
        Err(problem) => return Way::Refused(id, problem),
    };
    if request.renew {
        let problem = Problem::invalid(vec![FieldError {
            field: "renew".to_owned(),
            detail: "certificates are renewed one by one".to_owned(),
        }]);
        return Way::Refused(id, problem);
    }
    Way::Asked(Box::new(request))
}

/// What a line called its device may be anything.
fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

fn sign(
    signer: &crate::signing::Signer,
    request: Request,
    crl_shard: Option<i32>,
    crl_url: Option<CrlUrl>,
    now: time::OffsetDateTime,
) -> Way {
    let issued = signer.issue_here(&request.csr, &request.device_id, now, crl_url.as_ref());
    match issued {
        Ok(certificate) => {
            let is_secret = request.qr_form == QrForm::Token;
            Way::Signed(Box::new(Signed {
                certificate,
                crl_shard,
                secret: is_secret.then(|| ClaimSecret::from_random(rand::random())),
                request,
            }))
        }
        Err(error) => Way::Refused(
            Some(request.device_id.to_string()),
            Problem::internal(error),
        ),
    }
}

impl Way {
    fn asked_id(&self) -> Option<&str> {
        match self {
            Self::Asked(request) => Some(request.device_id.as_str()),
            _ => None,
        }
    }

    fn signed(&self) -> Option<&Signed> {
        match self {
            Self::Signed(signed) => Some(signed),
            _ => None,
        }
    }

    fn answer(self, number: usize, stored: &Result<HashSet<String>, Problem>) -> AnswerLine {
        let signed = match self {
            Self::Refused(id, problem) => return AnswerLine::refused(Some(number), id, problem),
            Self::Asked(request) => {
                let id = Some(request.device_id.to_string());
                let problem = Problem::internal("a line was not signed");
                return AnswerLine::refused(Some(number), id, problem);
            }
            Self::Signed(signed) => *signed,
        };
        let id = signed.request.device_id.to_string();
        let problem = match stored {
            Ok(stored) if stored.contains(&id) => {
                return AnswerLine {
                    line: Some(number),
                    device_id: Some(id),
                    device: Some(signed.registered()),
                    ..AnswerLine::default()
                };
            }
            Ok(_) => exists(),
            Err(problem) => problem.clone(),
        };
        AnswerLine::refused(Some(number), Some(id), problem)
    }
}

impl Signed {
    fn registered(self) -> RegisteredLine {
        let certificate = &self.certificate;
        RegisteredLine {
            certificate: certificate.pem(),
            fingerprint: certificate.fingerprint().to_string(),
            serial: certificate.serial().to_string(),
            not_after: certificate.not_after(),
            qr: label(&self.request, certificate, self.secret),
        }
    }
}

/// The transaction of a batch.
struct Store<'a> {
    signed: &'a [&'a Signed],
    actor: Actor,
}

impl Command for Store<'_> {
    /// The ids that were not there before.
    type Done = HashSet<String>;

    async fn once(&self, api: &Api) -> Result<HashSet<String>, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("manufacture_devices").await?;
        let devices: Vec<NewDevice<'_>> = self.signed.iter().map(|each| each.device()).collect();
        let stored = tx.insert_devices(&devices).await?;
        let stored: HashSet<String> = stored.into_iter().collect();
        let new = || {
            let new = self.signed.iter().copied();
            new.filter(|each| stored.contains(each.request.device_id.as_str()))
        };
        let certificates: Vec<_> = new().map(Signed::first_certificate).collect();
        tx.insert_certificates(&certificates).await?;
        let claims: Vec<_> = new().filter_map(Signed::claim).collect();
        tx.insert_device_claims(&claims).await?;
        // Sent one after the other without waiting for answers in between.
        try_join_all(new().map(|each| {
            let id = each.request.device_id.as_str();
            let after = json!({"fingerprint": each.certificate.fingerprint().to_string()});
            let entry = Entry::done(self.actor, "device.manufacture", DEVICE, id);
            tx.audit(entry.changed(None, after))
        }))
        .await?;
        tx.commit().await?;
        Ok(stored)
    }
}

impl Signed {
    fn device(&self) -> NewDevice<'_> {
        let request = &self.request;
        NewDevice {
            device_id: &request.device_id,
            model: request.model.as_str(),
            firmware_version: request.firmware_version.as_ref().map(Label::as_str),
            public_key: request.csr.public_key().der(),
        }
    }

    fn first_certificate(&self) -> FirstCertificate<'_> {
        FirstCertificate {
            device_id: self.request.device_id.as_str(),
            certificate: &self.certificate,
            crl_shard: self.crl_shard,
        }
    }

    fn claim(&self) -> Option<(&str, [u8; 32])> {
        let secret = self.secret.as_ref()?;
        Some((self.request.device_id.as_str(), secret.hash()))
    }
}
