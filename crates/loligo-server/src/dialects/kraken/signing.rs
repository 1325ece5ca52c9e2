//! Whose a request is: the key that its headers name, and the signature over what came. What the key then may is the
//! [login](crate::login)'s to say.

use crate::login::{Caller, Denied, Login, Nonces, Pool, Right, may_follow};
use crate::projection::{ApiKey, Directory};
use crate::record::KeyId;
use crate::transport::listener::Received;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use http::HeaderName;
use loligo_wire::sign::{Signature, SignedRequest, SigningKey, Tolerance};
use loligo_wire::ws1::Credentials;
use std::sync::{Arc, PoisonError, RwLock};

pub(super) static API_KEY: HeaderName = HeaderName::from_static("apikey");
pub(super) static AUTHENT: HeaderName = HeaderName::from_static("authent");
pub(super) static NONCE: HeaderName = HeaderName::from_static("nonce");

/// Keys ready to check signatures.
pub(crate) struct Signing {
    login: Arc<Login>,
    tolerance: Tolerance,
    keys: RwLock<HashMap<KeyId, Arc<Signer>, FixedState>>,
    /// Checked against in place of an unknown key, so that unknown keys cost the same work.
    nobody: SigningKey,
}

/// What is kept of a key that was used.
struct Signer {
    signing: SigningKey,
    nonces: Nonces,
}

impl Signing {
    pub(crate) fn new(login: Arc<Login>, tolerance: Tolerance) -> Self {
        // The empty text is base64.
        let nobody = SigningKey::from_base64_secret("").expect("a secret of no bytes");
        Self { login, tolerance, keys: RwLock::default(), nobody }
    }

    /// Checks a private request, and takes its nonce and its cost from their windows.
    ///
    /// # Errors
    /// [`Denied`].
    pub(super) fn check(
        &self,
        directory: &Directory,
        request: &Received,
        right: Right,
        pool: Pool,
        cost: u32,
    ) -> Result<Caller, Denied> {
        let header =
            |name: &HeaderName| request.head.headers.get(name).map_or(&[][..], |value| value.as_bytes());
        let (api_key, authent, nonce) = (header(&API_KEY), header(&AUTHENT), header(&NONCE));
        let known = std::str::from_utf8(api_key).ok().and_then(|text| directory.key(text));
        let signer = known.and_then(|key| self.signer(key));
        let signature = Signature::from_base64(authent);
        let signed = SignedRequest {
            query: request.head.uri.query().unwrap_or_default().as_bytes(),
            body: &request.body,
            nonce,
            path: request.head.uri.path(),
            is_get: request.head.method == http::Method::GET,
        };
        let signing = signer.as_ref().map_or(&self.nobody, |signer| &signer.signing);
        let verified = signature.is_some_and(|signature| signing.verify(&signature, &signed, self.tolerance));
        let (Some(key), Some(signer), true) = (known, &signer, verified) else {
            return Err(if known.is_some() { Denied::BadSignature } else { Denied::UnknownKey });
        };
        self.login.admit(key, &signer.nonces, right, nonce, (pool, cost))
    }

    /// The key that signed a challenge, if it may ask at all. Whether the challenge was ever given, and to whom, is the
    /// connection's to know.
    pub(super) fn check_challenge(
        &self,
        directory: &Directory,
        credentials: &Credentials<'_>,
    ) -> Option<Arc<ApiKey>> {
        let known = directory.key(&credentials.api_key);
        let signer = known.and_then(|key| self.signer(key));
        let signing = signer.as_ref().map_or(&self.nobody, |signer| &signer.signing);
        let signature = Signature::from_base64(credentials.signed_challenge.as_bytes());
        let verified = signature
            .is_some_and(|signature| signing.verify_challenge(&signature, &credentials.original_challenge));
        known.filter(|key| verified && signer.is_some() && may_follow(directory, key)).cloned()
    }

    /// What is kept of a key; none when its secret is none, which then fits nothing.
    fn signer(&self, key: &ApiKey) -> Option<Arc<Signer>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(signer) = keys.get(&key.id) {
            return Some(Arc::clone(signer));
        }
        drop(keys);
        let signing = SigningKey::from_base64_secret(&key.secret.to_base64()).ok()?;
        let nonces = self.login.nonces(key.id);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(keys.entry(key.id).or_insert_with(|| Arc::new(Signer { signing, nonces }))))
    }
}
