//! A match as rows: the trade, and of each side the fill, the order, the position and the wallet.

use super::fold::{Fold, Result};
use super::shapes::{ago, cents, digits, earlier_public, log_word, millis, order_event};
use super::words::Coded;
use crate::grid::{fine_price, money, price, rate, settlement_price, size};
use crate::wallets::inverse_name;
use loligo_engine::{
    BalanceCause, ContractKind, Conversion, Currency, Execution, Fill, FundingBooked, GainPaid, Instrument,
    InterestPaid, Money, Qty, Settlement, Side, UpdateReason, Wallet,
};
use loligo_history::rows::{self, causes, kinds};
use loligo_wire::decimal::Decimal;
use std::sync::Arc;

/// What the log calls money that came from outside or went there: by the operator, or withdrawn.
pub(super) const PAYMENT_WORDS: [&str; 2] = ["admin transfer", "cross-exchange transfer"];

impl Fold {
    pub(super) fn executed(&mut self, execution: &Execution, is_new: bool) -> Result {
        let number = u32::from(execution.instrument.0);
        let [maker, taker] = [&execution.maker, &execution.taker].map(|fill| fill.order.0);
        let came = self.came.as_ref().filter(|came| came.number == taker);
        // Where two meet without the book, both came at once, and nothing was cut from the one that is closed.
        let whole = execution.taker.role.is_off_book().then_some(0);
        let (old_taker, taker_reduced) = came.map_or((None, whole), |came| (came.old.clone(), came.reduced));
        let mut before = [
            self.order_before(maker, &execution.maker, execution)?,
            self.order_before(taker, &execution.taker, execution)?,
        ];
        let now = millis(execution.at);
        let side = |order: &rows::Order| rows::SideDetails {
            number: order.number,
            kind: order.kind,
            reduce_only: order.reduce_only,
            open: order.qty.unwrap_or_default() - order.filled,
            placed_ago: ago(now, order.placed_ms),
            updated_ago: ago(now, order.updated_ms),
        };
        let limit = before[1].price.unwrap_or(execution.price.0);
        let details = rows::TradeDetails {
            maker: side(&before[0]),
            taker: side(&before[1]),
            taker_improved: limit - execution.price.0,
            old_taker: old_taker.as_ref().map(|old| earlier_public(old, now)),
            taker_reduced,
        };
        let (mark, mark_scale) = execution.mark.map_or((0, 0), digits);
        let usd_cents = cents(execution.usd_value);
        let row = rows::PublicExecution {
            number: execution.id.0,
            sell: execution.taker_side == Side::Sell,
            qty: execution.qty.0,
            price: execution.price.0,
            usd_cents,
            mark,
            mark_scale,
            details,
        };
        self.push(is_new, number, execution.at, row);
        for ((side, fill), order) in execution.sides().into_iter().zip(&mut before) {
            let is_taker = fill.order.0 == taker;
            let (old, reduced) = if is_taker { (old_taker.clone(), taker_reduced) } else { (None, None) };
            self.side_filled(is_new, execution, side, fill, order, (old, reduced));
        }
        Ok(())
    }

    /// An order as it was just before a fill. Of one that nothing is known of, since it came before the index began, what the fill
    /// tells.
    fn order_before(&self, number: u64, fill: &Fill, execution: &Execution) -> Result<rows::Order> {
        let at = millis(execution.at);
        let known = self.opened(number)?.map(|open| open.order);
        let mut order = known.unwrap_or_else(|| rows::Order {
            number,
            sell: (execution.taker_side == Side::Sell) == (fill.order == execution.taker.order),
            kind: fill.order_type.code(),
            qty: None,
            filled: 0,
            price: Some(execution.price.0),
            reduce_only: false,
            client_id: fill.client_order_id.as_deref().map(str::to_owned),
            placed_ms: at,
            updated_ms: at,
        });
        (order.qty, order.filled) = (Some(fill.qty.0), fill.filled_before.0);
        Ok(order)
    }

    /// One side of a match: its fill, what became of its order, of its position, and of its wallet.
    fn side_filled(
        &mut self,
        is_new: bool,
        execution: &Execution,
        side: Side,
        fill: &Fill,
        order: &mut rows::Order,
        (old, reduced): (Option<rows::Earlier>, Option<i64>),
    ) {
        let (account, at) = (fill.account, execution.at);
        let contract = u32::from(execution.instrument.0);
        let is_maker = fill.order == execution.maker.order;
        let row = rows::Execution {
            number: execution.id.0,
            contract,
            maker: is_maker,
            qty: execution.qty.0,
            price: execution.price.0,
            mark: execution.mark.map(|mark| fine_price(mark).to_string()),
            usd_value: Decimal::new(i128::from(cents(execution.usd_value)), 2).to_string(),
            limit_filled: execution.completes_maker(),
            order: order.clone(),
            old,
            reduced,
            fee: money(fill.fee).to_string(),
            fee_rate: i64::from(fill.fee_rate),
            realized_pnl: money(fill.realized_pnl).to_string(),
            position: fill.position,
        };
        self.push_own(is_new, account, at, row);
        self.order_filled(is_new, execution, fill, order);
        self.position_filled(is_new, execution, side, fill);
    }

    /// What a fill did to an order: told, and kept as long as the order is open.
    fn order_filled(&mut self, is_new: bool, execution: &Execution, fill: &Fill, order: &mut rows::Order) {
        let contract = u32::from(execution.instrument.0);
        let (at, now) = (execution.at, millis(execution.at));
        let before = rows::Earlier {
            updated_ms: order.updated_ms,
            qty: order.qty,
            filled: order.filled,
            price: order.price,
        };
        order.filled += execution.qty.0;
        order.updated_ms = now;
        let is_full = order.qty == Some(order.filled);
        let reason = if is_full { UpdateReason::FullFill } else { UpdateReason::PartialFill };
        let details = rows::OrderDetails {
            kind: order.kind,
            reduce_only: order.reduce_only,
            placed_ago: ago(now, order.placed_ms),
            updated_ago: 0,
            old: Some(earlier_public(&before, now)),
            reduced: None,
        };
        let public = rows::PublicOrderEvent {
            kind: kinds::UPDATED,
            reason: Some(reason.code()),
            error: None,
            number: order.number,
            sell: order.sell,
            open: order.qty.unwrap_or_default() - order.filled,
            price: order.price.unwrap_or(execution.price.0),
            details,
        };
        self.push(is_new, contract, at, public);
        let own = rows::OrderEvent {
            contract: Some(contract),
            reason: Some(reason.code()),
            order: Some(order.clone()),
            old: Some(before),
            ..order_event(kinds::UPDATED)
        };
        self.push_own(is_new, fill.account, at, own);
        self.batch.open(rows::OpenOrder {
            account: fill.account.0,
            contract,
            order: order.clone(),
            stop: None,
        });
    }

    /// What a fill did to a position and its wallet.
    fn position_filled(&mut self, is_new: bool, execution: &Execution, side: Side, fill: &Fill) {
        let Some(instrument) = self.contracts.get(usize::from(execution.instrument.0)).map(Arc::clone) else {
            return;
        };
        let old_position = fill.position - side.sign() * execution.qty.0;
        let entry = |position: i64, entry| {
            (position != 0).then(|| fine_price(instrument.average_price(position, entry)).to_string())
        };
        let old_entry = entry(old_position, fill.entry_before);
        let new_entry = entry(fill.position, fill.entry).or_else(|| old_entry.clone());
        let spec = instrument.spec();
        let update = rows::PositionUpdate {
            cause: causes::TRADE,
            contract: u32::from(execution.instrument.0),
            old_position,
            new_position: fill.position,
            old_entry: old_entry.clone(),
            new_entry: new_entry.clone(),
            opened_ms: fill.opened_at.map(millis),
            fee: money(fill.fee).to_string(),
            realized_pnl: money(fill.realized_pnl).to_string(),
            realized_funding: money(fill.realized_funding).to_string(),
            currency: execution.currency.code().to_owned(),
            execution: Some(execution.id.0),
            price: Some(price(execution.price, spec).to_string()),
            qty: Some(execution.qty.0),
            role: Some(fill.role.code()),
        };
        self.push_own(is_new, fill.account, execution.at, update);

        let booked = Booked {
            currency: execution.currency,
            realized_pnl: fill.realized_pnl,
            fee: fill.fee,
            realized_funding: fill.realized_funding,
            liquidation_fee: fill.liquidation_fee,
            gain: fill.gain.as_deref(),
            balance: fill.balance,
        };
        let info = log_word(fill.role);
        let position_leg = rows::AccountLogEntry {
            asset: spec.symbol.to_lowercase(),
            old_balance: size(Qty(old_position), spec).to_string(),
            new_balance: size(Qty(fill.position), spec).to_string(),
            contract: Some(u32::from(execution.instrument.0)),
            execution: Some(execution.id.0),
            old_entry,
            new_entry,
            trade_price: Some(price(execution.price, spec).to_string()),
            mark: execution.mark.map(|mark| fine_price(mark).to_string()),
            ..self.cash_row(execution.wallet, execution.currency, fill.balance, fill.log, info)
        };
        for leg in legs(position_leg, &booked) {
            self.push_own(is_new, fill.account, execution.at, leg);
        }
    }

    /// What turning collateral into USD did to a wallet: what went, then what came for it.
    pub(super) fn converted(&mut self, is_new: bool, converted: &Conversion) {
        let Conversion { account, debit, credit, rate, spread, fee: _, at } = *converted;
        let percent = Decimal::new(i128::from(spread), 4).to_string();
        let terms = rows::Conversion {
            spread: percent.clone(),
            rate: fine_price(rate).to_string(),
            rate_from: debit.currency.code().to_lowercase(),
            fee: percent,
        };
        for (leg, before) in [(debit, debit.balance + debit.amount), (credit, credit.balance - credit.amount)]
        {
            let row = rows::AccountLogEntry {
                old_balance: money(before).to_string(),
                conversion: Some(terms.clone()),
                ..self.cash_row(Wallet::Flex, leg.currency, leg.balance, leg.log, "conversion")
            };
            self.push_own(is_new, account, at, row);
        }
    }

    /// What the interest of an hour did to a wallet.
    pub(super) fn interest_paid(&mut self, is_new: bool, paid: &InterestPaid) {
        let row = rows::AccountLogEntry {
            old_balance: money(paid.balance + paid.amount).to_string(),
            fee: Some(money(paid.amount).to_string()),
            ..self.cash_row(Wallet::Flex, Currency::USD, paid.balance, paid.log, "interest payment")
        };
        self.push_own(is_new, paid.account, paid.at, row);
    }

    /// What an hour's funding did to a wallet, and that it left the position as it was.
    pub(super) fn funding_booked(&mut self, is_new: bool, booked: &FundingBooked) {
        let Some(instrument) = self.contracts.get(usize::from(booked.instrument.0)).map(Arc::clone) else {
            return;
        };
        let entry = Some(fine_price(instrument.average_price(booked.position, booked.entry)).to_string());
        let realized = money(booked.realized).to_string();
        let update = rows::PositionUpdate {
            cause: causes::FUNDING,
            contract: u32::from(booked.instrument.0),
            old_position: booked.position,
            new_position: booked.position,
            old_entry: entry.clone(),
            new_entry: entry,
            opened_ms: booked.opened_at.map(millis),
            fee: money(Money::ZERO).to_string(),
            realized_pnl: money(Money::ZERO).to_string(),
            realized_funding: realized.clone(),
            currency: booked.currency.code().to_owned(),
            execution: None,
            price: None,
            qty: None,
            role: None,
        };
        self.push_own(is_new, booked.account, booked.at, update);

        let leg = rows::AccountLogEntry {
            old_balance: money(booked.balance - booked.realized).to_string(),
            contract: Some(u32::from(booked.instrument.0)),
            mark: booked.mark.map(|mark| fine_price(mark).to_string()),
            funding_rate: Some(rate(booked.rate.absolute).to_string()),
            realized_funding: Some(realized),
            ..self.cash_row(booked.wallet, booked.currency, booked.balance, booked.log, "funding rate change")
        };
        self.push_own(is_new, booked.account, booked.at, leg);
    }

    /// What the end of a contract did to a position and its wallet.
    pub(super) fn settled(&mut self, is_new: bool, settlement: &Settlement) {
        let Some(instrument) = self.contracts.get(usize::from(settlement.instrument.0)).map(Arc::clone)
        else {
            return;
        };
        let spec = instrument.spec();
        let entry =
            Some(fine_price(instrument.average_price(settlement.closed, settlement.entry)).to_string());
        let at_price = settlement_price(settlement.price).to_string();
        let update = rows::PositionUpdate {
            cause: causes::SETTLEMENT,
            contract: u32::from(settlement.instrument.0),
            old_position: settlement.closed,
            new_position: 0,
            old_entry: entry.clone(),
            new_entry: entry.clone(),
            opened_ms: settlement.opened_at.map(millis),
            fee: money(settlement.fee).to_string(),
            realized_pnl: money(settlement.realized_pnl).to_string(),
            realized_funding: money(settlement.realized_funding).to_string(),
            currency: settlement.currency.code().to_owned(),
            execution: Some(settlement.execution.0),
            price: Some(at_price.clone()),
            qty: None,
            role: None,
        };
        self.push_own(is_new, settlement.account, settlement.at, update);

        let booked = Booked {
            currency: settlement.currency,
            realized_pnl: settlement.realized_pnl,
            fee: settlement.fee,
            realized_funding: settlement.realized_funding,
            liquidation_fee: Money::ZERO,
            gain: settlement.gain.as_deref(),
            balance: settlement.balance,
        };
        let (wallet, currency, balance) = (settlement.wallet, settlement.currency, settlement.balance);
        let position_leg = rows::AccountLogEntry {
            asset: spec.symbol.to_lowercase(),
            old_balance: size(Qty(settlement.closed), spec).to_string(),
            new_balance: size(Qty(0), spec).to_string(),
            contract: Some(u32::from(settlement.instrument.0)),
            execution: Some(settlement.execution.0),
            old_entry: entry.clone(),
            new_entry: entry,
            trade_price: Some(at_price),
            mark: settlement.mark.map(|mark| fine_price(mark).to_string()),
            ..self.cash_row(wallet, currency, balance, settlement.log, "settlement")
        };
        for leg in legs(position_leg, &booked) {
            self.push_own(is_new, settlement.account, settlement.at, leg);
        }
    }

    /// The row of money that no contract moved.
    pub(super) fn transferred(
        &self,
        wallet: Wallet,
        currency: Currency,
        change: Money,
        balance: Money,
        number: u64,
        cause: BalanceCause,
    ) -> rows::AccountLogEntry {
        let info = match cause {
            // The list has no word for what the pool pays: it comes from whoever runs the venue.
            BalanceCause::Operator | BalanceCause::Pool => PAYMENT_WORDS[0],
            BalanceCause::Transfer => "transfer",
            BalanceCause::SubaccountTransfer => "subaccount transfer",
            BalanceCause::Withdrawal => PAYMENT_WORDS[1],
        };
        rows::AccountLogEntry {
            old_balance: money(balance - change).to_string(),
            ..self.cash_row(wallet, currency, balance, number, info)
        }
    }

    /// A row of a currency in a wallet, which says nothing but what there is now: what moved it adds the rest.
    fn cash_row(
        &self,
        wallet: Wallet,
        currency: Currency,
        balance: Money,
        number: u64,
        info: &str,
    ) -> rows::AccountLogEntry {
        let code = currency.code().to_lowercase();
        rows::AccountLogEntry {
            number,
            info: info.to_owned(),
            asset: code.clone(),
            wallet: self.wallet_name(wallet),
            old_balance: String::new(),
            new_balance: money(balance).to_string(),
            contract: None,
            collateral: Some(code),
            execution: None,
            old_entry: None,
            new_entry: None,
            trade_price: None,
            mark: None,
            realized_pnl: None,
            fee: None,
            funding_rate: None,
            realized_funding: None,
            liquidation_fee: None,
            conversion: None,
        }
    }

    fn wallet_name(&self, wallet: Wallet) -> String {
        match wallet {
            Wallet::Cash => "cash".to_owned(),
            Wallet::Flex => "flex".to_owned(),
            Wallet::Inverse(pair) => {
                let of_wallet = |instrument: &&Arc<Instrument>| {
                    instrument.spec().kind == ContractKind::Inverse && instrument.pair() == pair
                };
                let contract = self.contracts.iter().find(of_wallet);
                contract.map_or_else(String::new, |instrument| inverse_name(&instrument.spec().pair))
            }
        }
    }
}

/// What a trade or a settlement booked into a wallet.
struct Booked<'b> {
    /// That the position is carried in.
    currency: Currency,
    realized_pnl: Money,
    fee: Money,
    realized_funding: Money,
    liquidation_fee: Money,
    /// A gain that was paid in a currency of the account's choice.
    gain: Option<&'b GainPaid>,
    /// What there is of the currency now.
    balance: Money,
}

/// The rows of a trade or of a settlement: the position's, the one of its currency, and that of a gain which is paid in another.
fn legs(
    position_leg: rows::AccountLogEntry,
    booked: &Booked<'_>,
) -> impl Iterator<Item = rows::AccountLogEntry> {
    // A gain that is paid in another currency has a row of its own, and none of it is in this one.
    let realized_pnl = if booked.gain.is_some() { Money::ZERO } else { booked.realized_pnl };
    let change = realized_pnl - booked.fee + booked.realized_funding - booked.liquidation_fee;
    let liquidation_fee = Some(booked.liquidation_fee).filter(|fee| *fee != Money::ZERO);
    let cash_leg = rows::AccountLogEntry {
        number: position_leg.number + 1,
        asset: booked.currency.code().to_lowercase(),
        old_balance: money(booked.balance - change).to_string(),
        new_balance: money(booked.balance).to_string(),
        old_entry: None,
        new_entry: None,
        realized_pnl: Some(money(realized_pnl).to_string()),
        fee: Some(money(booked.fee).to_string()),
        realized_funding: Some(money(booked.realized_funding).to_string()),
        liquidation_fee: liquidation_fee.map(|fee| money(fee).to_string()),
        ..position_leg.clone()
    };
    let gain_leg = booked.gain.map(|gain| gain_leg(gain, &cash_leg));
    [Some(position_leg), Some(cash_leg), gain_leg].into_iter().flatten()
}

/// The row of a gain that is paid in a currency of the account's choice, behind that of the contract's currency.
fn gain_leg(gain: &GainPaid, cash_leg: &rows::AccountLogEntry) -> rows::AccountLogEntry {
    let GainPaid { currency, amount, index: _, balance } = *gain;
    let currency = currency.code().to_lowercase();
    let nothing = || Some(money(Money::ZERO).to_string());
    rows::AccountLogEntry {
        number: cash_leg.number + 1,
        asset: currency.clone(),
        collateral: Some(currency),
        old_balance: money(balance - amount).to_string(),
        new_balance: money(balance).to_string(),
        realized_pnl: Some(money(amount).to_string()),
        fee: nothing(),
        realized_funding: nothing(),
        liquidation_fee: None,
        ..cash_leg.clone()
    }
}
