//! May this client publish or subscribe this topic?
//!
//! Asked by brokers before 5.7.2 for every message, by newer ones where no rule of the authn answer
//! matched. Whose topic it is follows from the client id, whose name space the authn hook proved.

use super::{ClientId, Context, Deny, authn_device, authn_person, authn_service};
use crate::fleet::Certificate;
use crate::rights::{Request, Rights, seen_of};

/// What EMQX sends of a PUBLISH or of one filter of a SUBSCRIBE. Absent values are `None`.
#[derive(Debug, Clone, Copy)]
pub struct Authz<'a> {
    /// The client id of the session.
    pub client_id: Option<&'a str>,
    /// The user name of the session.
    pub username: Option<&'a str>,
    /// The common name of the session's certificate.
    pub cert_common_name: Option<&'a str>,
    /// What is asked for.
    pub request: Request<'a>,
}

impl Authz<'_> {
    /// Allows what the client's rights, as the table has them now, contain.
    pub fn decide(&self, context: &Context<'_>) -> Result<(), Deny> {
        let client_id = self
            .client_id
            .and_then(ClientId::parse)
            .ok_or(Deny::ClientId)?;
        let allowed = match client_id {
            ClientId::Device(id) => self.device(id, context)?,
            ClientId::Service(name) => self.service(name, context)?,
            ClientId::Person(id) => return self.person(id, context),
        };
        if allowed { Ok(()) } else { Err(Deny::Topic) }
    }

    fn device(&self, id: &str, context: &Context<'_>) -> Result<bool, Deny> {
        if self.username != Some(id) || self.cert_common_name != Some(id) {
            return Err(Deny::Mismatch);
        }
        context.fleet.device(id.as_bytes(), |device| {
            let device = authn_device::in_service(device)?;
            one_is_active(device.certificates(), context)
        })?;
        Ok(Rights::Device { id }.allows(&self.request))
    }

    fn service(&self, name: &str, context: &Context<'_>) -> Result<bool, Deny> {
        if !authn_service::calls_itself(name, self.username, self.cert_common_name) {
            return Err(Deny::Mismatch);
        }
        let client = authn_service::in_service(name, context)?;
        one_is_active(client.certificates.iter().copied(), context)?;
        Ok(Rights::Service {
            rights: &client.rights,
        }
        .allows(&self.request))
    }
}

impl Authz<'_> {
    /// People's topics are other clients', so the table is asked whose the device is. Account, groups
    /// and device are read in this order; see [`crate::fleet::People`].
    fn person(&self, id: &str, context: &Context<'_>) -> Result<(), Deny> {
        let id = authn_person::account_id(id).ok_or(Deny::ClientId)?;
        if !authn_person::calls_itself(self.username) {
            return Err(Deny::Mismatch);
        }
        let device = seen_of(&self.request).ok_or(Deny::Topic)?;
        let account = authn_person::in_service(id, context)?;
        let people = context.fleet.people();
        let tree = people.tree();
        let owner = context.fleet.device(device.as_bytes(), |found| {
            found.map(|device| device.owner()).unwrap_or_default()
        });
        if account.sees(owner, &tree) {
            Ok(())
        } else {
            Err(Deny::Invisible)
        }
    }
}

/// EMQX does not send the certificate here, so any active one will do.
fn one_is_active(
    mut certificates: impl Iterator<Item = Certificate>,
    context: &Context<'_>,
) -> Result<(), Deny> {
    let active = certificates.any(|certificate| certificate.not_after > context.unix_now);
    if active {
        Ok(())
    } else {
        Err(Deny::CertificateNotActive)
    }
}
