//! What is asked about the key that signs, and about what its account is paid back: documents of their own, which tell errors by
//! a status and a reason.

use super::private::KrakenRequest;
use super::{Answer, Kraken};
use crate::grid::time;
use crate::login::Caller;
use crate::record::{GeneralRight, WithdrawalRight};
use loligo_wire::keys::{ApiKeyCheck, KeyAccess, write_market_share};
use loligo_wire::v3::words::Error;

impl Kraken {
    /// What the key that signed may do. One that may not even ask is told so by this.
    pub(super) fn api_key_check(&self, asked: &KrakenRequest<'_>, caller: &Caller) -> Answer {
        asked.active(caller)?;
        let key = asked.directory.key_by_id(caller.key).ok_or(Error::UnknownError)?;
        let check = ApiKeyCheck {
            api_key: &key.api_key,
            account_uid: self.node.identity().account_uid(key.account),
            created_at: time(key.created),
            general: match key.general {
                GeneralRight::None => KeyAccess::NoAccess,
                GeneralRight::ReadOnly => KeyAccess::ReadOnly,
                GeneralRight::Full => KeyAccess::FullAccess,
            },
            transfer: match key.withdrawal {
                WithdrawalRight::None => KeyAccess::NoAccess,
                WithdrawalRight::Full => KeyAccess::FullAccess,
            },
        };
        let mut body = Vec::with_capacity(320);
        check.write(&mut body);
        Ok(body)
    }

    /// The shares of contracts that pay makers back. None does: what a rebate there is, the fee schedule says.
    pub(super) fn self_market_share(&self, asked: &KrakenRequest<'_>, caller: &Caller) -> Answer {
        asked.active(caller)?;
        let mut body = Vec::with_capacity(32);
        write_market_share(&mut body, []);
        Ok(body)
    }
}
