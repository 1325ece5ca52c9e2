//! Who may ask: the right of a key, its nonce, and what its account has left to spend, in this order (rules 1.11, rows 1
//! to 3). How a request shows whose it is (a signature, and over what) is each dialect's; the windows are the key's and
//! the account's, whatever dialect they are asked in.

pub(crate) mod nonce;
pub(crate) mod rates;
pub(crate) mod real_time;

use crate::projection::{ApiKey, Directory};
use crate::record::{GeneralRight, KeyId, WithdrawalRight};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use loligo_engine::AccountId;
use real_time::RealTime;
use std::sync::{Arc, Mutex, PoisonError};

/// What an account may spend in [`RATE_WINDOW`] (rules 8.4).
pub(crate) const RATE_BUDGET: u32 = 500;
/// The sliding window of the rates, in microseconds of real time (rules 8.4).
pub(crate) const RATE_WINDOW: u64 = 10_000_000;

/// What an account may spend on history in [`HISTORY_WINDOW`], beside the other (rules 8.4).
const HISTORY_BUDGET: u32 = 100;
/// The sliding window of history's rates: ten minutes, in microseconds of real time.
const HISTORY_WINDOW: u64 = 600_000_000;

/// Of which of an account's two pools a request is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    Trading,
    History,
}

impl Pool {
    /// What may be spent within a window.
    pub(crate) fn budget(self) -> u32 {
        match self {
            Self::Trading => RATE_BUDGET,
            Self::History => HISTORY_BUDGET,
        }
    }

    /// The window, in microseconds.
    pub(crate) fn window(self) -> u64 {
        match self {
            Self::Trading => RATE_WINDOW,
            Self::History => HISTORY_WINDOW,
        }
    }
}

/// What a private request must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Be a key.
    Hold,
    /// Ask.
    Read,
    /// Trade.
    Trade,
    /// Move money out of the exchange.
    Withdraw,
}

/// Why a request is not let in; wires have few words for it.
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
    /// It costs more than the account has left within the window; in so many microseconds it will not.
    RateExceeded { pool: Pool, cost: u32, left: u32, wait: u64 },
}

/// Who is let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
    /// The key that signed.
    pub(crate) key: KeyId,
    /// The key and its nonce: remembered with a command, so that it cannot be sent again after a restart.
    pub(crate) nonce: Option<(KeyId, u64)>,
}

/// The nonces of one key, shared by all dialects. Whoever keeps something of a key keeps these beside it.
pub(crate) type Nonces = Arc<Mutex<nonce::Window>>;

/// The windows of keys and accounts.
pub(crate) struct Login {
    real: RealTime,
    rate_limits: bool,
    nonces: Mutex<HashMap<KeyId, Nonces, FixedState>>,
    /// The highest nonces that the journal remembers; a key's window begins with its own.
    remembered: HashMap<KeyId, u64, FixedState>,
    rates: Mutex<HashMap<AccountId, rates::Window, FixedState>>,
    history_rates: Mutex<HashMap<AccountId, rates::Window, FixedState>>,
}

impl Login {
    pub(crate) fn new(remembered: &[(KeyId, u64)], real: RealTime, rate_limits: bool) -> Self {
        Self {
            real,
            rate_limits,
            nonces: Mutex::default(),
            remembered: remembered.iter().copied().collect(),
            rates: Mutex::default(),
            history_rates: Mutex::default(),
        }
    }

    /// What limits of requests run on; none without limits.
    pub(crate) fn limits(&self) -> Option<&RealTime> {
        self.rate_limits.then_some(&self.real)
    }

    /// The nonces of a key.
    pub(crate) fn nonces(&self, key: KeyId) -> Nonces {
        let window = || Arc::new(Mutex::new(nonce::Window::after(self.remembered.get(&key).copied())));
        Arc::clone(lock(&self.nonces).entry(key).or_insert_with(window))
    }

    /// Lets in who has shown to hold a key, and takes nonce and cost from their windows. The nonce is the text that was
    /// sent, empty when there was none.
    ///
    /// # Errors
    /// [`Denied`].
    pub(crate) fn admit(
        &self,
        key: &ApiKey,
        nonces: &Nonces,
        right: Right,
        nonce: &[u8],
        (pool, cost): (Pool, u32),
    ) -> Result<Caller, Denied> {
        let allowed = match right {
            Right::Hold => true,
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
            let mut nonces = lock(nonces);
            nonces.take(nonce, now).map_err(|refused| match refused {
                nonce::NonceError::BelowThreshold => {
                    Denied::NonceBelowThreshold { nonce, threshold: nonces.threshold() }
                }
                nonce::NonceError::Duplicate => {
                    Denied::NonceDuplicate { nonce, ago: now.saturating_sub(nonces.seen_at(nonce)) }
                }
            })?;
        }
        if self.rate_limits {
            let mut rates = lock(match pool {
                Pool::Trading => &self.rates,
                Pool::History => &self.history_rates,
            });
            let new = || rates::Window::new(pool.budget(), pool.window());
            let window = rates.entry(key.account).or_insert_with(new);
            if !window.spend(cost, now) {
                let (left, wait) = (window.left(), window.wait(cost, now));
                return Err(Denied::RateExceeded { pool, cost, left, wait });
            }
        }
        Ok(Caller { account: key.account, key: key.id, nonce: nonce.map(|nonce| (key.id, nonce)) })
    }
}

/// Whether a key may follow what is private: it may ask, and its account is active.
pub(crate) fn may_follow(directory: &Directory, key: &ApiKey) -> bool {
    key.may_ask() && directory.account(key.account).is_some_and(|account| account.active)
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
