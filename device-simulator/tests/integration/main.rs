//! The simulator against a fake API and a fake broker in this process.
//!
//! The PKI and the judgement of CSRs come from `certs`, so the device's side and the issuer's side
//! are two implementations that have to agree.

#[cfg(test)]
mod broker;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod enrolment;
#[cfg(test)]
mod factory;
#[cfg(test)]
mod fleets;
#[cfg(test)]
mod pki;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod sessions;
