//! Who is asking: key, signature, right, nonce and rate, in this order (rules 1.11, rows 1 to 3).

use super::bounds::{RATE_BUDGET, RATE_WINDOW};
use super::listener::Received;
use super::real_time::RealTime;
use super::{nonce, rates};
use crate::projection::{ApiKey, Directory, GeneralRight, KeyId, WithdrawalRight};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use http::HeaderName;
use loligo_engine::AccountId;
use loligo_wire::sign::{Signature, SignedRequest, SigningKey, Tolerance};
use loligo_wire::v3::words::Error;
use loligo_wire::ws1::Credentials;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub(crate) static API_KEY: HeaderName = HeaderName::from_static("apikey");
pub(crate) static AUTHENT: HeaderName = HeaderName::from_static("authent");
pub(crate) static NONCE: HeaderName = HeaderName::from_static("nonce");

/// What a private request must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Ask.
    Read,
    /// Trade.
    Trade,
    /// Move money out of the exchange.
    Withdraw,
}

/// Why a request is not let in; the wire has few words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No account has the key.
    UnknownKey,
    /// The key did not sign this.
    BadSignature,
    /// The key may not do this.
    NoRight(Right),
    /// The nonce is no unsigned 64-bit number.
    BadNonce,
    /// The nonce is not above the highest of more than ten seconds ago.
    NonceBelowThreshold { nonce: u64, threshold: u64 },
    /// The nonce was seen so many microseconds ago.
    NonceDuplicate { nonce: u64, ago: u64 },
    /// It costs more than the account has left within the window.
    RateExceeded { cost: u32, left: u32 },
}

impl Denied {
    /// The word that travels.
    pub(crate) fn word(self) -> Error {
        match self {
            Self::UnknownKey | Self::BadSignature | Self::NoRight(_) | Self::BadNonce => {
                Error::AuthenticationError
            }
            Self::NonceBelowThreshold { .. } => Error::NonceBelowThreshold,
            Self::NonceDuplicate { .. } => Error::NonceDuplicate,
            Self::RateExceeded { .. } => Error::ApiLimitExceeded,
        }
    }
}

/// Who signed a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
    /// The key and its nonce: remembered with a command, so that it cannot be sent again after a restart.
    pub(crate) nonce: Option<(KeyId, u64)>,
}

/// Keys ready to check signatures, nonce and rate windows.
pub(crate) struct Auth {
    real: RealTime,
    tolerance: Tolerance,
    rate_limits: bool,
    keys: RwLock<HashMap<KeyId, Arc<KeyState>, FixedState>>,
    /// The highest nonces that the journal remembers; a key's window begins with its own.
    remembered: HashMap<KeyId, u64, FixedState>,
    /// Checked against in place of an unknown key, so that unknown keys cost the same work.
    nobody: SigningKey,
    rates: Mutex<HashMap<AccountId, rates::Window, FixedState>>,
}

struct KeyState {
    signing: SigningKey,
    nonces: Mutex<nonce::Window>,
}

impl Auth {
    pub(crate) fn new(
        remembered: &[(KeyId, u64)],
        real: RealTime,
        tolerance: Tolerance,
        rate_limits: bool,
    ) -> Self {
        // The empty text is base64.
        let nobody = SigningKey::from_base64_secret("").expect("a secret of no bytes");
        Self {
            real,
            tolerance,
            rate_limits,
            keys: RwLock::default(),
            remembered: remembered.iter().copied().collect(),
            nobody,
            rates: Mutex::default(),
        }
    }

    /// Checks a private request, and takes its nonce and its cost from their windows.
    ///
    /// # Errors
    /// [`Denied`].
    pub(crate) fn check(
        &self,
        directory: &Directory,
        request: &Received,
        right: Right,
        cost: u32,
    ) -> Result<Caller, Denied> {
        let header =
            |name: &HeaderName| request.head.headers.get(name).map_or(&[][..], |value| value.as_bytes());
        let (api_key, authent, nonce) = (header(&API_KEY), header(&AUTHENT), header(&NONCE));
        let known = std::str::from_utf8(api_key).ok().and_then(|text| directory.key(text));
        let state = known.and_then(|key| self.state(key));
        let signature = Signature::from_base64(authent);
        let signed = SignedRequest {
            query: request.head.uri.query().unwrap_or_default().as_bytes(),
            body: &request.body,
            nonce,
            path: request.head.uri.path(),
            is_get: request.head.method == http::Method::GET,
        };
        let signing = state.as_ref().map_or(&self.nobody, |state| &state.signing);
        let verified = signature.is_some_and(|signature| signing.verify(&signature, &signed, self.tolerance));
        let (Some(key), Some(state), true) = (known, &state, verified) else {
            return Err(if known.is_some() { Denied::BadSignature } else { Denied::UnknownKey });
        };
        let allowed = match right {
            Right::Read => key.may_ask(),
            Right::Trade => key.general == GeneralRight::Full,
            Right::Withdraw => key.withdrawal == WithdrawalRight::Full,
        };
        if !allowed {
            return Err(Denied::NoRight(right));
        }
        let nonce = if nonce.is_empty() { None } else { Some(number(nonce).ok_or(Denied::BadNonce)?) };
        let now = self.real.micros();
        if let Some(nonce) = nonce {
            let mut nonces = lock(&state.nonces);
            nonces.take(nonce, now).map_err(|refused| match refused {
                nonce::NonceError::BelowThreshold => {
                    Denied::NonceBelowThreshold { nonce, threshold: nonces.threshold() }
                }
                nonce::NonceError::Duplicate => {
                    Denied::NonceDuplicate { nonce, ago: now.saturating_sub(nonces.seen_at(nonce)) }
                }
            })?;
        }
        let window = || rates::Window::new(RATE_BUDGET, RATE_WINDOW);
        if self.rate_limits {
            let mut rates = lock(&self.rates);
            let window = rates.entry(key.account).or_insert_with(window);
            if !window.spend(cost, now) {
                return Err(Denied::RateExceeded { cost, left: window.left() });
            }
        }
        Ok(Caller { account: key.account, nonce: nonce.map(|nonce| (key.id, nonce)) })
    }

    /// The key that signed a challenge, if it may ask at all. Whether the challenge was ever given, and to whom, is the
    /// connection's to know.
    pub(crate) fn check_challenge(
        &self,
        directory: &Directory,
        credentials: &Credentials<'_>,
    ) -> Option<Arc<ApiKey>> {
        let known = directory.key(&credentials.api_key);
        let state = known.and_then(|key| self.state(key));
        let signing = state.as_ref().map_or(&self.nobody, |state| &state.signing);
        let signature = Signature::from_base64(credentials.signed_challenge.as_bytes());
        let verified = signature
            .is_some_and(|signature| signing.verify_challenge(&signature, &credentials.original_challenge));
        let may_ask = |key: &ApiKey| {
            key.may_ask() && directory.account(key.account).is_some_and(|account| account.active)
        };
        known.filter(|key| verified && state.is_some() && may_ask(key)).cloned()
    }

    /// What is known of a key; none when its secret is none, which then fits nothing.
    fn state(&self, key: &ApiKey) -> Option<Arc<KeyState>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = keys.get(&key.id) {
            return Some(Arc::clone(state));
        }
        drop(keys);
        let signing = SigningKey::from_base64_secret(&key.secret.to_base64()).ok()?;
        let nonces = Mutex::new(nonce::Window::after(self.remembered.get(&key.id).copied()));
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(keys.entry(key.id).or_insert_with(|| Arc::new(KeyState { signing, nonces }))))
    }
}

/// An unsigned 64-bit number in decimal digits.
fn number(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Windows are left consistent by every step, so what a panicking request left behind can be used.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
