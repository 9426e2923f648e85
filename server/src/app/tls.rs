//! TLS in the program itself (rustls). The certificate's files are looked at every few seconds, so
//! that one renewed by an ACME client is used without a restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why a certificate cannot be used. The words are for the person who named the files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as what it should be.
    #[error("cannot read {path}: {why}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The key does not belong to the certificate, or is of a kind that cannot be used.
    #[error("certificate and key do not fit together: {0}")]
    Unfit(rustls::Error),
}

/// A certificate in use.
#[derive(Debug)]
struct InUse {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<(Arc<CertifiedKey>, Seen)>,
}

/// Of each file: when it was changed and how long it is.
type Seen = [Option<(SystemTime, u64)>; 2];

impl ResolvesServerCert for InUse {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.0))
    }
}

impl InUse {
    /// Looks whether the files are others; takes them if they fit together.
    fn look(&self) {
        let now = seen(&self.certificate, &self.key);
        {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            if current.1 == now {
                return;
            }
        }
        // Of a pair that is just being written the new one half may not fit the old other.
        match load(&self.certificate, &self.key) {
            Ok(key) => {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = (key, now);
                tracing::info!("a new certificate is in use");
            }
            Err(error) => tracing::warn!(%error, "the certificate stays as it was"),
        }
    }
}

/// The TLS side of a server.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    in_use: Arc<InUse>,
}

impl Tls {
    /// From a certificate chain and its key, both PEM.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let seen = seen(certificate, key);
        let in_use = Arc::new(InUse {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new((load(certificate, key)?, seen)),
        });
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<InUse>::clone(&in_use);
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unfit)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            in_use,
        })
    }

    /// Looks at the files for as long as it is polled.
    pub async fn keep_looking(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let in_use = Arc::clone(&self.in_use);
            drop(tokio::task::spawn_blocking(move || in_use.look()).await);
        }
    }

    /// Shakes hands. `None` if the other side does not, or not in time.
    pub async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let shaken = tokio::time::timeout(HANDSHAKE, self.acceptor.accept(stream)).await;
        shaken.ok()?.ok()
    }
}

fn seen(certificate: &Path, key: &Path) -> Seen {
    [certificate, key].map(|path| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.modified().ok()?, about.len()))
    })
}

fn load(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
    let unreadable = |path: &Path, why: String| TlsError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(unreadable(
            certificate,
            "no certificate is in it".to_owned(),
        ));
    }
    let secret = PrivateKeyDer::from_pem_file(key);
    let secret = secret.map_err(|error| unreadable(key, error.to_string()))?;
    let pair = CertifiedKey::from_der(chain, secret, &ring::default_provider());
    Ok(Arc::new(pair.map_err(TlsError::Unfit)?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use std::sync::Arc;

    use rcgen::{CertifiedKey as Made, generate_simple_self_signed};
    use sopu_core::time::SystemEnv;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;
    use crate::app::{Front, run};
    use crate::relay::Relay;

    fn write(folder: &Path) -> CertificateDer<'static> {
        let Made { cert, signing_key } =
            generate_simple_self_signed(vec!["sopu.example.fi".to_owned()]).unwrap();
        std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
        cert.der().clone()
    }

    async fn ask(address: std::net::SocketAddr, root: &CertificateDer<'static>) -> Option<String> {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("sopu.example.fi").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, stream).await.ok()?;
        let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer).await);
        Some(answer)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pages_come_over_tls_and_a_renewed_certificate_is_used_without_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path());
        let (cert, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        let tls = Tls::new(&cert, &key).unwrap();
        let in_use = Arc::clone(&tls.in_use);
        let relay = Relay::open(folder.path().join("data"), Arc::new(SystemEnv)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let front = Front {
            tls: Some(tls),
            only_tls: true,
            behind_proxy: false,
            ..Front::default()
        };
        let served = tokio::spawn(run(
            listener,
            Arc::new(relay),
            axum::Router::new(),
            front,
            async { drop(stopped.await) },
        ));
        // Somebody connects and says nothing: others do not wait for them.
        let _silent = TcpStream::connect(address).await.unwrap();
        let answer = ask(address, &first).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000"));
        assert!(
            !answer.to_lowercase().contains("server:"),
            "no banner: {answer}"
        );
        let mut plain = TcpStream::connect(address).await.unwrap();
        plain
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut said = Vec::new();
        drop(plain.read_to_end(&mut said).await);
        assert!(!said.starts_with(b"HTTP"), "nothing without TLS");

        let second = write(folder.path());
        in_use.look();
        assert!(ask(address, &first).await.is_none(), "the old one is gone");
        assert!(ask(address, &second).await.is_some());
        // Half a renewal, or a broken one, changes nothing.
        std::fs::write(&key, "nonsense").unwrap();
        in_use.look();
        assert!(ask(address, &second).await.is_some());
        stop.send(()).unwrap();
        served.await.unwrap().unwrap();
    }

    #[test]
    fn files_that_do_not_fit_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        let error = Tls::new(&cert, &key).err().unwrap().to_string();
        assert!(error.contains("cert.pem"), "{error}");
        write(folder.path());
        let other = tempfile::tempdir().unwrap();
        write(other.path());
        let unfit = Tls::new(&cert, &other.path().join("key.pem"));
        assert!(matches!(unfit, Err(TlsError::Unfit(_))));
    }
}
