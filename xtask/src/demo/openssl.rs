//! Keys, requests and certificates made with `openssl`: the stack's own code has no part in them.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::identity::Identity;
use crate::process::{Shell, output};

/// A certificate authority, of ours or of a stranger.
#[derive(Debug, Clone)]
pub(super) struct Authority {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// Runs `openssl` in one folder.
#[derive(Debug, Clone)]
pub(super) struct Openssl {
    shell: Shell,
    folder: PathBuf,
}

impl Openssl {
    pub(super) fn new(shell: &Shell, folder: &Path) -> Self {
        Self {
            shell: shell.clone(),
            folder: folder.to_owned(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    async fn run(&self, args: &[&str]) -> anyhow::Result<String> {
        let mut command = self.shell.command("openssl");
        command.current_dir(&self.folder).args(args);
        output(&mut command)
            .await?
            .stdout_of(&format!("openssl {}", args[0]))
    }

    /// A P-256 key in `<name>.key`.
    pub(super) async fn key(&self, name: &str) -> anyhow::Result<PathBuf> {
        let file = format!("{name}.key");
        let curve = "ec_paramgen_curve:P-256";
        self.run(&[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            curve,
            "-out",
            &file,
        ])
        .await?;
        Ok(self.path(&file))
    }

    /// A signing request for `<name>.key`, as PEM; also kept in `<name>.csr`.
    pub(super) async fn request(&self, name: &str) -> anyhow::Result<String> {
        let (key, csr, subject) = (
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("/CN={name}"),
        );
        self.run(&["req", "-new", "-key", &key, "-subj", &subject, "-out", &csr])
            .await?;
        std::fs::read_to_string(self.path(&csr)).context("reading the request just made")
    }

    /// A self-signed authority of a stranger.
    pub(super) async fn authority(&self, name: &str) -> anyhow::Result<Authority> {
        self.self_signed(name, name, "basicConstraints=critical,CA:TRUE")
            .await
            .map(|made| Authority {
                certificate: made.certificate,
                key: made.key,
            })
    }

    /// A certificate that nobody but its own key signed.
    pub(super) async fn self_signed(
        &self,
        name: &str,
        common_name: &str,
        extension: &str,
    ) -> anyhow::Result<Identity> {
        let key = self.key(name).await?;
        let (key_file, file) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/CN={common_name}");
        let args = [
            "req", "-x509", "-new", "-key", &key_file, "-subj", &subject, "-days", "2",
        ];
        self.run(&[&args[..], &["-addext", extension, "-out", &file]].concat())
            .await?;
        Ok(Identity {
            certificate: self.path(&file),
            key,
        })
    }

    /// A client certificate for `common_name` signed by any authority whose key we can read. The
    /// authority's certificate is appended, as a chain.
    pub(super) async fn issue(
        &self,
        name: &str,
        common_name: &str,
        authority: &Authority,
    ) -> anyhow::Result<Identity> {
        let key = self.key(name).await?;
        let [key_file, csr, leaf, extensions] =
            ["key", "csr", "leaf", "ext"].map(|extension| format!("{name}.{extension}"));
        let subject = format!("/CN={common_name}");
        self.run(&[
            "req", "-new", "-key", &key_file, "-subj", &subject, "-out", &csr,
        ])
        .await?;
        std::fs::write(
            self.path(&extensions),
            "extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n",
        )?;
        let (ca, ca_key) = (
            authority.certificate.to_string_lossy(),
            authority.key.to_string_lossy(),
        );
        let request = [
            "x509", "-req", "-in", &csr, "-CA", &ca, "-CAkey", &ca_key, "-days", "2",
        ];
        self.run(
            &[
                &request[..],
                &[
                    "-set_serial",
                    "4711",
                    "-extfile",
                    &extensions,
                    "-out",
                    &leaf,
                ],
            ]
            .concat(),
        )
        .await?;
        let chain = [self.path(&leaf), authority.certificate.clone()].map(std::fs::read_to_string);
        let [leaf, authority] = chain;
        let certificate = self.path(&format!("{name}.pem"));
        std::fs::write(&certificate, leaf? + &authority?)?;
        Ok(Identity { certificate, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_strangers_certificate_is_made_and_shown_as_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let openssl = Openssl::new(&Shell::default(), folder.path());
        let authority = openssl.authority("elsewhere").await.unwrap();
        let identity = openssl
            .issue("forged", "device-1", &authority)
            .await
            .unwrap();
        let line = identity.cert_pem().unwrap();
        assert!(
            line.len() > 300 && !line.contains('-') && !line.contains('\n'),
            "{line}"
        );
    }
}
