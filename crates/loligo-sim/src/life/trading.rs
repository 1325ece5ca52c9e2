//! What traders, makers and the operator of a short-lived venue ask from one moment to the next.

use super::{Life, venue};
use crate::model::Model;
use loligo_engine::{
    AccountId, CancelOrder, Command, Currency, Deposit, InstrumentId, Leverage, Money, OnGrid, OrderRef,
    OrderType, PairId, PlaceOrder, ProgramId, Side, Transfer, Wallet, Withdraw,
};

impl Life {
    pub(super) fn trade(&mut self, model: &Model) -> Command {
        match self.rng.below(1_000) {
            0..380 => self.quote(model),
            380..700 => self.take(model),
            700..760 => self.rest(model),
            760..800 => self.close(model),
            800..830 => {
                let account = if self.chance(60) { self.rich() } else { self.poor() };
                let instrument = self.chance(60).then(|| self.instrument(model));
                Command::CancelAll { account, instrument }
            }
            830..850 => self.cancel(model),
            850..910 => self.move_money(model),
            910..940 => self.choose(model),
            940..955 => Command::SetPool {
                currency: if self.chance(80) { Currency::USD } else { venue::currency("BTC") },
                amount: Money(i128::from(self.rng.below(200)) * Money::ONE / 7),
            },
            955..975 => {
                let account = self.poor();
                self.program(account)
            }
            975..985 => Command::RemoveAssignmentProgram {
                account: self.poor(),
                program: ProgramId(1 + self.rng.below(6)),
            },
            _ => Command::Advance,
        }
    }

    fn order(&mut self, account: AccountId, instrument: InstrumentId, side: Side, lots: i64) -> PlaceOrder {
        PlaceOrder {
            account,
            instrument,
            side,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(lots),
            limit_price: None,
            stop_price: None,
            trigger: None,
            limit_offset: None,
            reduce_only: false,
            client_order_id: None,
            algo_id: None,
            process_before: None,
        }
    }

    fn side(&mut self) -> Side {
        if self.chance(50) { Side::Buy } else { Side::Sell }
    }

    /// Lots worth some hundreds or thousands of USD; at times very few, at times more than the poor can hold.
    fn lots(&mut self, instrument: InstrumentId) -> i64 {
        // Lots that are worth about 100 USD.
        let unit = match instrument.0 {
            0 | 1 => 20,
            2 => 40,
            _ => 100,
        };
        match self.rng.below(20) {
            0 => 1,
            1 => 7,
            2..4 => unit * (100 + self.rng.below(300) as i64),
            _ => 1 + self.rng.below(50 * unit as u64) as i64,
        }
    }

    /// Somebody with deep pockets quotes a little away from where the contract trades, at times a good deal.
    pub(super) fn quote(&mut self, model: &Model) -> Command {
        let (account, instrument) = (self.rich(), self.instrument(model));
        let side = self.side();
        let lots = self.lots(instrument);
        let fair = self.fair[instrument.0 as usize];
        let away = match self.rng.below(10) {
            0 => fair * (10 + self.rng.below(60) as i64) / 1_000,
            1..4 => fair / 200,
            _ => 1 + self.rng.below(30) as i64,
        };
        let mut order = self.order(account, instrument, side, lots);
        order.limit_price = Some(OnGrid::Steps(fair - side.sign() * away));
        if self.chance(60) {
            order.order_type = OrderType::Post;
        }
        Command::Place(order)
    }

    /// One of the poor trades at once.
    fn take(&mut self, model: &Model) -> Command {
        let (account, instrument) = (self.poor(), self.instrument(model));
        let side = self.side();
        let lots = self.lots(instrument);
        let mut order = self.order(account, instrument, side, lots);
        let fair = self.fair[instrument.0 as usize];
        order.limit_price = Some(OnGrid::Steps(fair + side.sign() * (fair / 150)));
        order.order_type = self.pick(&[
            OrderType::Market,
            OrderType::ImmediateOrCancel,
            OrderType::ImmediateOrCancel,
            OrderType::Limit,
        ]);
        Command::Place(order)
    }

    /// One of the poor offers something.
    fn rest(&mut self, model: &Model) -> Command {
        let (account, instrument) = (self.poor(), self.instrument(model));
        let side = self.side();
        let lots = self.lots(instrument);
        let fair = self.fair[instrument.0 as usize];
        let mut order = self.order(account, instrument, side, lots);
        order.limit_price = Some(OnGrid::Steps(fair - side.sign() * (1 + self.rng.below(300) as i64)));
        order.reduce_only = self.chance(15);
        Command::Place(order)
    }

    fn close(&mut self, model: &Model) -> Command {
        let (account, instrument) = (self.poor(), self.instrument(model));
        let held = model.position_lots(account, instrument);
        let side = if held > 0 { Side::Sell } else { Side::Buy };
        let mut order = self.order(account, instrument, side, held.abs().max(1));
        order.order_type = OrderType::Market;
        order.reduce_only = self.chance(50);
        Command::Place(order)
    }

    fn cancel(&mut self, model: &Model) -> Command {
        let known: Vec<_> = model.known_orders().map(|order| (order.account, order.id)).collect();
        if known.is_empty() {
            return Command::Advance;
        }
        let (account, id) = self.pick(&known);
        Command::Cancel(CancelOrder { account, order: OrderRef::Id(id), process_before: None })
    }

    /// Money comes, goes and moves: of what may leave often exactly all, or a unit more.
    fn move_money(&mut self, model: &Model) -> Command {
        let account = self.poor();
        let (wallet, currency) = match self.rng.below(10) {
            0..3 => (Wallet::Flex, Currency::USD),
            3..7 => (Wallet::Flex, venue::currency(self.pick(&venue::COLLATERAL))),
            7 => (Wallet::Cash, Currency::USD),
            _ => (Wallet::Inverse(PairId(0)), venue::currency("BTC")),
        };
        let worth = venue::worth_in_hundredths(currency.code());
        let some = Money(i128::from(self.rng.below(150)) * 100 * Money::ONE / worth);
        let all = model.may_leave_now(account, wallet, currency);
        let odd = self.pick(&[Money(0), Money(0), Money(1)]);
        let out = if self.chance(60) && all > Money::ZERO { all + odd } else { some };
        match self.rng.below(10) {
            0..4 => Command::Deposit(Deposit { account, wallet, currency, amount: some }),
            4 => Command::Deposit(Deposit { account, wallet, currency, amount: -out }),
            5..7 => Command::Withdraw(Withdraw { account, wallet, currency, amount: out }),
            _ => {
                let to_wallet = if wallet == Wallet::Cash { Wallet::Flex } else { Wallet::Cash };
                Command::Transfer(Transfer {
                    by: account,
                    from: account,
                    from_wallet: wallet,
                    to: account,
                    to_wallet,
                    currency,
                    amount: out,
                })
            }
        }
    }

    /// Leverage, or what gains are paid in.
    fn choose(&mut self, model: &Model) -> Command {
        let (account, instrument) = (self.poor(), self.instrument(model));
        if self.chance(45) {
            let leverage = self.chance(65).then(|| Leverage(100 * (1 + self.rng.below(100) as u32)));
            return Command::SetLeverage { account, instrument, leverage };
        }
        let code = self.pick(&["EUR", "EUR", "USDC", "BTC", "ETH", "GBP", "USD", "SOL", "XYZ"]);
        let currency = self.chance(85).then(|| venue::currency(code));
        Command::SetPnlPreference { account, instrument, currency }
    }
}
