//! Index and mark prices that move, and money that does.

use super::{Flavor, Workload};
use crate::model::Model;
use loligo_engine::{
    AccountId, Command, Currency, Deposit, FinePrice, InstrumentId, Money, PairId, Transfer, Wallet, Withdraw,
};

impl Workload {
    pub(super) fn move_price(&mut self, model: &Model) -> Command {
        let instrument = self.listed(model);
        let pair = if self.chance(2) { PairId(u16::MAX) } else { model.pair(instrument) };
        let price = self.fine_price(model, instrument);
        let pinned = if self.chance(92) { Some(price) } else { None };
        match self.rng.below(100) {
            0..45 => Command::PublishIndex { pair, price },
            45..80 => {
                let unknown = self.chance(2);
                let instrument = if unknown { InstrumentId(u16::MAX) } else { instrument };
                match self.time.rem_euclid(8) {
                    0 => Command::PinPrices { instrument, index: pinned, mark: Some(price) },
                    1 => Command::PinPrices { instrument, index: None, mark: pinned },
                    _ => Command::PinMark { instrument, price: pinned },
                }
            }
            _ => Command::PinIndex { pair, price: pinned },
        }
    }

    /// A price near where the contract trades; seldom one that is refused.
    fn fine_price(&mut self, model: &Model, instrument: InstrumentId) -> FinePrice {
        let tick = model.tick(instrument).0;
        let around = match self.flavor {
            Flavor::Triggers => 12,
            Flavor::Margin => self.pick(&[4, 15, 40]),
            Flavor::Mixed
            | Flavor::Poor
            | Flavor::Rich
            | Flavor::ReduceOnly
            | Flavor::Family
            | Flavor::Halts => 4,
        };
        match self.rng.below(60) {
            0 => FinePrice(0),
            1 => FinePrice(-1),
            2 => FinePrice(i128::MAX),
            // Far enough to be called volatile.
            3 if self.flavor == Flavor::Margin => FinePrice(
                i128::from(self.fair[instrument.0 as usize]) * tick * self.pick(&[7, 9, 12, 15]) / 10,
            ),
            _ => {
                let fair = i128::from(self.fair[instrument.0 as usize]) * 3;
                // In thirds of a tick, so that no comparison is with whole ticks only.
                let thirds = fair + i128::from(self.rng.below(6 * around)) - 3 * i128::from(around);
                FinePrice(thirds * tick / 3)
            }
        }
    }

    fn wallet(&mut self, model: &Model) -> (Wallet, Currency) {
        let instrument = self.listed(model);
        match self.rng.below(20) {
            0 => (Wallet::Cash, Currency::USD),
            1 => (Wallet::Flex, Currency::parse("BTC").expect("a code")),
            2 => (Wallet::Inverse(PairId(u16::MAX)), Currency::USD),
            3 => (Wallet::Inverse(model.pair(instrument)), Currency::USD),
            _ => model.margin_wallet(instrument),
        }
    }

    fn amount(&mut self, wallet: Wallet) -> i128 {
        let whole = self.rng.below(match self.flavor {
            Flavor::Poor => 20,
            Flavor::Rich => 1_000_000,
            Flavor::Margin => 40,
            Flavor::Mixed | Flavor::ReduceOnly | Flavor::Triggers | Flavor::Family | Flavor::Halts => 200,
        });
        let amount = whole as i128 * Money::ONE + i128::from(self.rng.below(1_000));
        if matches!(wallet, Wallet::Flex | Wallet::Cash) { amount } else { amount / 1_000 }
    }

    pub(super) fn deposit(&mut self, model: &Model) -> Command {
        let (wallet, currency) = self.wallet(model);
        let amount = self.amount(wallet);
        let amount = Money(if self.chance(45) { -amount } else { amount });
        Command::Deposit(Deposit { account: self.account(model), wallet, currency, amount })
    }

    /// An amount that is mostly fit to move; seldom all there is, to the last digit, or one too much.
    fn outgoing(
        &mut self,
        model: &Model,
        account: AccountId,
        (wallet, currency): (Wallet, Currency),
    ) -> Money {
        if self.chance(20) && (account.0 as usize) < model.account_count() {
            let view = model.wallet(account, wallet);
            let held = view.balances.iter().find(|(of, _)| *of == currency);
            let held = held.map_or(Money(0), |(_, held)| *held);
            let free =
                if view.settlement == Some(currency) { view.available().floor().min(held) } else { held };
            return free + self.pick(&[Money(-1), Money(0), Money(1)]);
        }
        match self.rng.below(40) {
            0 => self.pick(&[Money(0), Money(-1), Money(i128::MAX), Money(10_i128.pow(23) + 1)]),
            _ => Money(self.amount(wallet)),
        }
    }

    pub(super) fn transfer(&mut self, model: &Model) -> Command {
        let from = self.account(model);
        let family: Vec<AccountId> = (0..model.account_count() as u32)
            .map(AccountId)
            .filter(|id| {
                let master = |id: AccountId| model.account_view(id).parent.unwrap_or(id);
                (from.0 as usize) < model.account_count() && master(*id) == master(from)
            })
            .collect();
        let mut relative = |of: AccountId| match self.rng.below(10) {
            0 => self.account(model),
            1..6 if !family.is_empty() => self.pick(&family),
            _ => of,
        };
        let (by, to) = (relative(from), relative(from));
        let (from_wallet, currency) = self.wallet(model);
        let to_wallet = match self.rng.below(10) {
            0..5 => from_wallet,
            5..8 => Wallet::Cash,
            _ => self.wallet(model).0,
        };
        let amount = self.outgoing(model, from, (from_wallet, currency));
        Command::Transfer(Transfer { by, from, from_wallet, to, to_wallet, currency, amount })
    }

    pub(super) fn withdraw(&mut self, model: &Model) -> Command {
        let account = self.account(model);
        let (wallet, currency) = self.wallet(model);
        let amount = self.outgoing(model, account, (wallet, currency));
        Command::Withdraw(Withdraw { account, wallet, currency, amount })
    }
}
