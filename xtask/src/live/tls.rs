//! Self-signed certificates for the servers, made by the `openssl` command.

use crate::live::{Account, RunDir};
use crate::{Result, failure, paths};
use std::path::PathBuf;
use std::process::Command;

/// A certificate for `localhost` and `127.0.0.1`, with its key.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// From when to when a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Now,
    Expired,
}

impl Certificate {
    pub fn make(account: &Account, folder: &RunDir, validity: Validity) -> Result<Certificate> {
        let openssl = paths::program("openssl").ok_or_else(|| failure("the openssl command is missing"))?;
        let made = Certificate { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        // A certificate is its own authority here, so that it may be given to clients as their CA file.
        let config = folder.file(
            account,
            "openssl.cnf",
            "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=localhost\n\
             [ext]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE\n",
        )?;
        let mut request = Command::new(&openssl);
        request.args(["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout"]).arg(&made.key);
        request.arg("-config").arg(&config);
        match validity {
            Validity::Now => {
                request.args(["-x509", "-days", "30", "-out"]).arg(&made.certificate);
                run(request)?;
            }
            Validity::Expired => {
                // `req -x509` cannot look back, `ca` can: its small data base lives in the same folder.
                let wish = folder.path().join("cert.csr");
                request.arg("-out").arg(&wish);
                run(request)?;
                let store = folder.subfolder(account, "ca")?;
                std::fs::write(store.join("index.txt"), "")?;
                std::fs::write(store.join("serial"), "01\n")?;
                let authority = folder.file(
                    account,
                    "ca.cnf",
                    &format!(
                        "[ca]\ndefault_ca=own\n[own]\nnew_certs_dir={0}\ndatabase={0}/index.txt\nserial={0}/serial\n\
                         default_md=sha256\npolicy=any\nx509_extensions=ext\n[any]\ncommonName=supplied\n\
                         [ext]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE\n",
                        store.display()
                    ),
                )?;
                let mut sign = Command::new(&openssl);
                sign.args([
                    "ca",
                    "-batch",
                    "-selfsign",
                    "-startdate",
                    "20200101000000Z",
                    "-enddate",
                    "20200201000000Z",
                ]);
                sign.arg("-config").arg(authority).arg("-in").arg(wish).arg("-keyfile").arg(&made.key);
                sign.arg("-out").arg(&made.certificate);
                run(sign)?;
            }
        }
        account.own(&made.certificate)?;
        account.own(&made.key)?;
        Ok(made)
    }
}

fn run(mut command: Command) -> Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(failure(format!("openssl failed: {}", String::from_utf8_lossy(&output.stderr))))
}
