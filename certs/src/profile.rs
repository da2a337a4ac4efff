//! The extensions of each kind of certificate (RFC 5280 section 4.2).
//!
//! Everything in a certificate comes from here and from the caller's arguments; nothing of a
//! request is looked at except its key.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use der::asn1::{Ia5String, OctetString};
use der::flagset::FlagSet;
use spki::SubjectPublicKeyInfoRef;
use x509_cert::TbsCertificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage,
    KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;

use crate::{CrlUrl, PublicKey, ServerName};

/// What a leaf is for: the one purpose in its extended key usage.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Client,
    Server,
}

impl Purpose {
    const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Client => ID_KP_CLIENT_AUTH,
            Self::Server => ID_KP_SERVER_AUTH,
        }
    }
}

/// Issuer, subject and extensions of one certificate, in their order.
pub(crate) struct Profile {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
}

impl Profile {
    /// A root, or an issuing authority under which no further authority may stand.
    pub(crate) fn authority(
        issuer: Name,
        subject: Name,
        key: &PublicKey,
        issuer_key_identifier: &[u8],
        path_len: Option<u8>,
    ) -> der::Result<Self> {
        let mut profile = Self {
            issuer,
            subject,
            extensions: Vec::new(),
        };
        profile.add(
            true,
            &BasicConstraints {
                ca: true,
                path_len_constraint: path_len,
            },
        )?;
        profile.add(true, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?;
        profile.add_identifiers(key, issuer_key_identifier)?;
        Ok(profile)
    }

    /// A leaf with one purpose. Its key only ever signs, since TLS 1.3 and ECDHE need no more.
    pub(crate) fn leaf(
        issuer: Name,
        subject: Name,
        key: &PublicKey,
        issuer_key_identifier: &[u8],
        purpose: Purpose,
    ) -> der::Result<Self> {
        let mut profile = Self {
            issuer,
            subject,
            extensions: Vec::new(),
        };
        profile.add(
            true,
            &BasicConstraints {
                ca: false,
                path_len_constraint: None,
            },
        )?;
        profile.add(true, &KeyUsage(FlagSet::from(KeyUsages::DigitalSignature)))?;
        profile.add(false, &ExtendedKeyUsage(vec![purpose.oid()]))?;
        profile.add_identifiers(key, issuer_key_identifier)?;
        Ok(profile)
    }

    /// Names the subject by a URI as well.
    pub(crate) fn add_uri(&mut self, uri: &str) -> der::Result<()> {
        let name = GeneralName::UniformResourceIdentifier(Ia5String::new(uri)?);
        self.add(false, &SubjectAltName(vec![name]))
    }

    /// Names what a server answers to.
    pub(crate) fn add_server_names(&mut self, names: &[ServerName]) -> der::Result<()> {
        let names = names
            .iter()
            .map(general_name)
            .collect::<der::Result<Vec<_>>>()?;
        self.add(false, &SubjectAltName(names))
    }

    /// Says where the revocation list of this certificate is fetched.
    pub(crate) fn add_crl_url(&mut self, url: &CrlUrl) -> der::Result<()> {
        let point = DistributionPoint {
            distribution_point: Some(crl_point_name(url)?),
            reasons: None,
            crl_issuer: None,
        };
        self.add(false, &CrlDistributionPoints(vec![point]))
    }

    fn add_identifiers(&mut self, key: &PublicKey, issuer: &[u8]) -> der::Result<()> {
        self.add(
            false,
            &SubjectKeyIdentifier(OctetString::new(key.identifier())?),
        )?;
        self.add(false, &authority_key_identifier(issuer)?)
    }

    fn add<T: const_oid::AssociatedOid + der::Encode>(
        &mut self,
        critical: bool,
        value: &T,
    ) -> der::Result<()> {
        let extension = (critical, value).to_extension(&self.subject, &self.extensions)?;
        self.extensions.push(extension);
        Ok(())
    }
}

/// Names the key that signs, and nothing else (RFC 5280 section 4.2.1.1).
pub(crate) fn authority_key_identifier(issuer: &[u8]) -> der::Result<AuthorityKeyIdentifier> {
    let key_identifier = Some(OctetString::new(issuer)?);
    Ok(AuthorityKeyIdentifier {
        key_identifier,
        ..AuthorityKeyIdentifier::default()
    })
}

/// A distribution point's one URL, in the form that certificates and lists share.
pub(crate) fn crl_point_name(url: &CrlUrl) -> der::Result<DistributionPointName> {
    let url = Ia5String::new(url.as_str())?;
    Ok(DistributionPointName::FullName(vec![
        GeneralName::UniformResourceIdentifier(url),
    ]))
}

fn general_name(name: &ServerName) -> der::Result<GeneralName> {
    Ok(match name {
        ServerName::Dns(name) => GeneralName::DnsName(Ia5String::new(name)?),
        ServerName::Ip(std::net::IpAddr::V4(address)) => {
            GeneralName::IpAddress(OctetString::new(address.octets())?)
        }
        ServerName::Ip(std::net::IpAddr::V6(address)) => {
            GeneralName::IpAddress(OctetString::new(address.octets())?)
        }
    })
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        Ok(self.extensions.clone())
    }
}
