//! A PKI made from fixed randomness at a fixed time, and OpenSSL to judge it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use certs::{
    CaKind, Certificate, CheckedCsr, CrlUrl, DeviceSpec, IssuingCa, PrivateKey, RootCa, ServerName,
    ServerSpec, ServiceSpec,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

/// When everything in these tests happens.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);

pub(crate) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Root, one authority of each kind, and a folder for what OpenSSL is to look at.
pub(crate) struct Pki {
    pub(crate) dir: Dir,
    pub(crate) root: RootCa,
    pub(crate) device: IssuingCa,
    pub(crate) service: IssuingCa,
    pub(crate) server: IssuingCa,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let dir = Dir::new();
        let rng = &mut rng(1);
        let key = PrivateKey::generate(rng);
        let root = RootCa::create(key, "IoT Hub", 7_300, NOW, rng).expect("root");
        dir.write("root.pem", root.certificate().pem());
        let mut authority = |kind: CaKind| {
            let key = PrivateKey::generate(rng);
            let ca = root
                .issue_authority(kind, key, "IoT Hub", 3_650, NOW, rng)
                .expect("authority");
            dir.write(&format!("{kind}.pem"), ca.certificate().pem());
            ca
        };
        let [device, service, server] = CaKind::ALL.map(&mut authority);
        Self {
            dir,
            root,
            device,
            service,
            server,
        }
    }

    /// A device certificate for a request that OpenSSL made.
    pub(crate) fn device_certificate(&self, id: &str, crl_url: Option<&CrlUrl>) -> Certificate {
        let csr = self.dir.csr(&["-subj", "/CN=whoever"]);
        let spec = DeviceSpec {
            device_id: id,
            days: 365,
            crl_url,
        };
        self.device
            .issue_device(&csr, &spec, NOW, &mut rng(2))
            .expect("device certificate")
    }

    pub(crate) fn service_certificate(&self, name: &str) -> Certificate {
        let key = PrivateKey::generate(&mut rng(3)).public_key();
        let spec = ServiceSpec {
            name,
            days: 365,
            crl_url: None,
        };
        self.service
            .issue_service(&key, &spec, NOW, &mut rng(4))
            .expect("service certificate")
    }

    pub(crate) fn server_certificate(&self, names: &[&str]) -> Certificate {
        let key = PrivateKey::generate(&mut rng(5)).public_key();
        let names: Vec<ServerName> = names
            .iter()
            .map(|name| name.parse().expect("server name"))
            .collect();
        let spec = ServerSpec {
            names: &names,
            days: 365,
        };
        self.server
            .issue_server(&key, &spec, NOW, &mut rng(6))
            .expect("server certificate")
    }

    /// `openssl verify` under its strict rules, at the time of these tests.
    pub(crate) fn verify(&self, authority: &str, leaf: &Certificate, more: &[&str]) -> Answer {
        self.dir.write("leaf.pem", leaf.pem());
        let at = NOW.unix_timestamp().to_string();
        let authority = format!("{authority}.pem");
        let fixed = [
            "verify",
            "-x509_strict",
            "-attime",
            &at,
            "-CAfile",
            "root.pem",
            "-untrusted",
        ];
        let arguments = [&fixed, [authority.as_str()].as_slice(), more, &["leaf.pem"]].concat();
        self.dir.openssl(&arguments)
    }
}

/// A folder that goes away with the test.
pub(crate) struct Dir(TempDir);

/// What a program said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn good(&self) -> bool {
        self.code == 0
    }
}

impl Dir {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.join(name), content).expect("writes");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.join(name)).expect("reads")
    }

    /// Runs OpenSSL in the folder; it is there on every machine that runs these tests.
    pub(crate) fn openssl(&self, arguments: &[&str]) -> Answer {
        self.run("openssl", arguments)
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Answer {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = [output.stdout, output.stderr].concat();
        Answer {
            code: output.status.code().expect("not ended by a signal"),
            text: String::from_utf8(text).expect("UTF-8"),
        }
    }

    /// Makes a key (`openssl genpkey` arguments) and a request for it, and returns the request.
    pub(crate) fn csr_bytes(&self, key: &[&str], request: &[&str]) -> Vec<u8> {
        let made = self.openssl(&[&["genpkey", "-out", "csr.key"], key].concat());
        assert!(made.good(), "{}", made.text);
        let fixed = ["req", "-new", "-key", "csr.key", "-out", "csr"];
        let made = self.openssl(&[&fixed, request].concat());
        assert!(made.good(), "{}", made.text);
        self.read("csr")
    }

    /// Makes a P-256 request that passes.
    pub(crate) fn csr(&self, request: &[&str]) -> CheckedCsr {
        let key = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
        CheckedCsr::parse(&self.csr_bytes(&key, request)).expect("a good request")
    }
}
