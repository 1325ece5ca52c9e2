//! What figures would be at another mark, or with another trade: for streams that meet equalities on purpose.

use super::margin::Portfolio;
use super::{Model, figures, matching};
use loligo_engine::{AccountId, ContractKind, Currency, FinePrice, InstrumentId, Money, Side, Wallet};
use num_bigint::BigInt;

/// What stands behind a wallet's cross positions and what must, at 24 decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Their equity.
    pub equity: BigInt,
    /// Their maintenance margin.
    pub maintenance: BigInt,
    /// Initial margin of everything in the wallet, orders included.
    pub held: BigInt,
    /// Equity that no margin holds.
    pub available: BigInt,
}

impl Model {
    /// Of a wallet, if a contract were marked so and nothing had followed from it yet.
    pub fn figures_at(
        &self,
        account: AccountId,
        wallet: Wallet,
        (instrument, mark): (InstrumentId, FinePrice),
    ) -> Figures {
        let mut trial = self.clone();
        trial.contract_mut(instrument).mark = Some(mark);
        let status = trial.margin_status(Portfolio::Cross(account, wallet));
        let currency = trial.settlement(wallet).unwrap_or(Currency::USD);
        Figures {
            equity: status.equity,
            maintenance: status.maintenance,
            held: trial.held(account, wallet),
            available: trial.available(account, wallet, currency),
        }
    }

    /// True where a contract has a margin of its own.
    pub fn is_isolated(&self, account: AccountId, instrument: InstrumentId) -> bool {
        self.leverage(account, instrument).is_some()
    }

    /// The most that may leave a wallet of a currency.
    pub fn may_leave_now(&self, account: AccountId, wallet: Wallet, currency: Currency) -> Money {
        let held = self.balance(account, wallet, currency);
        let free = match wallet {
            Wallet::Cash => held,
            Wallet::Flex => self.available_of(account, currency),
            Wallet::Inverse(_) => figures::floor(&self.available(account, wallet, currency)),
        };
        free.min(held).max(Money::ZERO)
    }

    /// True where a position and an order of a side are together as large as where a margin level starts.
    pub fn is_at_level(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        (lots, price): (i64, i64),
    ) -> bool {
        let reached = self.measured(account, instrument, side, (lots, price));
        let levels = &self.contract(instrument).spec.margin_levels;
        levels.iter().skip(1).any(|level| reached == self.level_measure(instrument, level.from))
    }

    /// What levels count of a side: USD at 24 decimals, or lots.
    fn measured(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        (lots, price): (i64, i64),
    ) -> BigInt {
        let worst = self.worst(account, instrument, side);
        let contract = self.contract(instrument);
        match contract.spec.kind {
            ContractKind::Linear => worst.value + contract.value(lots, price),
            ContractKind::Inverse => BigInt::from(worst.lots + lots),
        }
    }

    fn level_measure(&self, instrument: InstrumentId, from: u64) -> BigInt {
        let contract = self.contract(instrument);
        match contract.spec.kind {
            ContractKind::Linear => figures::usd(from),
            ContractKind::Inverse => contract.lots_of_contracts(from),
        }
    }

    /// Lots and price of an order of a side, near a price, with which the position comes to where a level starts.
    pub fn order_to_level(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        start: u64,
        near: i64,
    ) -> Option<(i64, i64)> {
        let missing =
            self.level_measure(instrument, start) - self.measured(account, instrument, side, (0, near));
        self.lots_worth(instrument, &missing, near)
    }

    /// Lots and price of a trade, near a price, with which a family's volume comes to where a tier of fees starts.
    pub fn trade_to_tier(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        near: i64,
    ) -> Option<(i64, i64)> {
        let volume = self.family_volume(account);
        let next = matching::FEES.iter().map(|(from, ..)| figures::usd(*from)).find(|from| *from > volume)?;
        self.lots_worth(instrument, &(next - volume), near)
    }

    /// True where a trade brings a family's volume to where a tier starts.
    pub fn is_at_tier(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        (lots, price): (i64, i64),
    ) -> bool {
        let volume = self.family_volume(account) + self.contract(instrument).notional(lots, price);
        matching::FEES.iter().skip(1).any(|(from, ..)| figures::usd(*from) == volume)
    }

    /// Lots and a price near another that are worth exactly so much; of inverse contracts as many lots.
    fn lots_worth(&self, instrument: InstrumentId, value: &BigInt, near: i64) -> Option<(i64, i64)> {
        let contract = self.contract(instrument);
        if *value <= BigInt::ZERO {
            return None;
        }
        let lots = |count: BigInt| i64::try_from(count).ok().filter(|lots| *lots > 0);
        if contract.spec.kind == ContractKind::Inverse {
            return lots(value.clone()).map(|lots| (lots, near));
        }
        (0..600).map(|away| near + if away % 2 == 0 { away / 2 } else { -(away / 2) - 1 }).find_map(|price| {
            let one = contract.value(1, price);
            let fits = price > 0 && value % &one == BigInt::ZERO;
            fits.then(|| lots(value / one)).flatten().map(|lots| (lots, price))
        })
    }
}
