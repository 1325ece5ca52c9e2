//! Why an order, an edit or a cancel was refused: the rule, with the figures that it was measured by.

use super::{Came, Explainer, Note, quoted};
use crate::grid;
use loligo_engine::{
    AccountId, ContractKind, Exchange, InstrumentId, InstrumentSpec, Limits, OnGrid, OrderError, Price, Qty,
    Wallet,
};
use loligo_wire::args::Args;
use loligo_wire::decimal::{Decimal, Number};
use loligo_wire::v3::requests::{BatchInstruction, BatchOrder, EditOrder, Request, SendOrder};
use loligo_wire::v3::words::Side;

/// The figures of what was asked, read again from the request.
#[derive(Default)]
struct Figures {
    side: Option<Side>,
    size: Option<Number>,
    limit_price: Option<Number>,
    stop_price: Option<Number>,
    deviation: Option<Number>,
    is_edit: bool,
}

impl Figures {
    fn of(entry: &Came<'_>, element: usize) -> Option<Self> {
        let kept = entry.kept?;
        let args = Args::new(&kept.query, &kept.body).ok()?;
        if element > 0 {
            let batch = BatchOrder::parse(&args).ok()?;
            return match batch.instructions.get(element - 1)? {
                BatchInstruction::Send(send) => send.order.as_ref().ok().map(Self::of_send),
                BatchInstruction::Edit(edit) => Some(Self::of_edit(edit)),
                BatchInstruction::Cancel(_) => None,
            };
        }
        if entry.path.ends_with("/editorder") {
            return EditOrder::parse(&args).ok().map(|edit| Self::of_edit(&edit));
        }
        SendOrder::parse(&args).ok().map(|send| Self::of_send(&send))
    }

    fn of_send(send: &SendOrder<'_>) -> Self {
        Self {
            side: Some(send.side),
            size: Some(send.size),
            limit_price: send.limit_price,
            stop_price: send.stop_price,
            deviation: send.trailing_stop_max_deviation,
            is_edit: false,
        }
    }

    fn of_edit(edit: &EditOrder<'_>) -> Self {
        Self {
            side: None,
            size: edit.size,
            limit_price: edit.limit_price,
            stop_price: edit.stop_price,
            deviation: edit.trailing_stop_max_deviation,
            is_edit: true,
        }
    }
}

/// What is looked up for a reason.
struct Case<'e> {
    explainer: &'e Explainer<'e>,
    account: Option<AccountId>,
    instrument: Option<InstrumentId>,
    spec: Option<InstrumentSpec>,
    figures: Figures,
}

/// Why one was refused.
pub(super) fn reason(explainer: &Explainer<'_>, entry: &Came<'_>, note: &Note) -> String {
    let directory = explainer.views.directory();
    let spec = note.instrument.and_then(|id| directory.instrument(id)).map(|listed| listed.spec().clone());
    let case = Case {
        explainer,
        account: directory.key(entry.api_key).map(|key| key.account),
        instrument: note.instrument,
        spec,
        figures: Figures::of(entry, note.element).unwrap_or_default(),
    };
    let told = match note.error {
        Some(error) => case.error(error),
        None => plain(explainer, entry, note),
    };
    if note.element > 0 { format!("element {} {}: {told}", note.element, note.word) } else { told }
}

/// What has no error of an order: names that no order has, times that are over.
fn plain(explainer: &Explainer<'_>, entry: &Came<'_>, note: &Note) -> String {
    let named = || {
        ["order_id", "orderId", "cliOrdId"]
            .into_iter()
            .find_map(|name| explainer.argument_text(entry, name).map(|text| (name, text)))
    };
    match note.word {
        "wouldProcessAfterSpecifiedTime" => {
            let limit = explainer.argument_text(entry, "processBefore").unwrap_or_default();
            format!("processBefore {} was over when its turn came", quoted(&limit))
        }
        "notFound" | "orderForEditNotFound" => match named() {
            Some((name, text)) if note.element == 0 => {
                format!("this account has no open order of {name} {}", quoted(&text))
            }
            _ => "this account has no such open order".to_owned(),
        },
        "filled" => "the order had just been filled".to_owned(),
        "invalidOrderType" => "its orderType is none".to_owned(),
        "invalidSide" => "its side is neither buy nor sell".to_owned(),
        "marketSuspended" => "trading was switched off for the account after others of its batch".to_owned(),
        word => word.to_owned(),
    }
}

impl Case<'_> {
    fn error(&self, error: OrderError) -> String {
        match error {
            OrderError::InvalidPrice => self.price(),
            OrderError::InvalidQuantity => self.quantity(),
            OrderError::InsufficientMargin
            | OrderError::InsufficientClosingMargin
            | OrderError::WouldCauseLiquidation => self.margin(error),
            OrderError::OrderLimitExceeded
            | OrderError::SmallOrderLimitExceeded
            | OrderError::TrailingStopLimitExceeded => self.count(error),
            OrderError::PriceCollar => self.collar(),
            OrderError::MaxPositionExceeded => match &self.spec {
                Some(spec) => format!(
                    "the position would be beyond {}, the greatest in {}",
                    grid::size(spec.max_position, spec),
                    spec.symbol
                ),
                None => rule(error).to_owned(),
            },
            OrderError::PostWouldExecute => format!("{}{}", rule(error), self.touch()),
            OrderError::IocWouldNotExecute => format!("{}{}", rule(error), self.touch()),
            OrderError::TrailingStopQuoteOffTick => self
                .off_tick("trailingStopMaxDeviation", self.figures.deviation)
                .unwrap_or_else(|| rule(error).to_owned()),
            error => rule(error).to_owned(),
        }
    }

    fn off_tick(&self, name: &str, value: Option<Number>) -> Option<String> {
        let (spec, value) = (self.spec.as_ref()?, value?);
        (grid::ticks(value, spec) == OnGrid::Off).then(|| {
            let tick = grid::tick_size(spec);
            format!("{name} {} is off the tick of {}, which is {tick}", number(value), spec.symbol)
        })
    }

    fn price(&self) -> String {
        let Some(spec) = &self.spec else { return rule(OrderError::InvalidPrice).to_owned() };
        for (name, value) in
            [("limitPrice", self.figures.limit_price), ("stopPrice", self.figures.stop_price)]
        {
            if let Some(off) = self.off_tick(name, value) {
                return off;
            }
            match value.map(|value| (value, grid::ticks(value, spec))) {
                Some((value, OnGrid::Steps(..=0))) => {
                    return format!("{name} {} is not positive", number(value));
                }
                Some((value, OnGrid::TooLarge)) => {
                    return format!("{name} {} is beyond the greatest price", number(value));
                }
                Some((_, OnGrid::Steps(_) | OnGrid::Off)) | None => {}
            }
        }
        rule(OrderError::InvalidPrice).to_owned()
    }

    fn quantity(&self) -> String {
        let (Some(spec), Some(size)) = (&self.spec, self.figures.size) else {
            return rule(OrderError::InvalidQuantity).to_owned();
        };
        let lot = grid::size(Qty(1), spec);
        match grid::lots(size, spec) {
            OnGrid::Off => format!("size {} is off the lot of {}, which is {lot}", number(size), spec.symbol),
            OnGrid::Steps(..=0) if !self.figures.is_edit => {
                format!("size {} is not positive", number(size))
            }
            OnGrid::Steps(_) | OnGrid::TooLarge => match self.limits() {
                Some(limits) => format!(
                    "size {} leaves nothing, or an order worth more than {} USD, the most that one may be worth",
                    number(size),
                    limits.order_value_usd
                ),
                None => rule(OrderError::InvalidQuantity).to_owned(),
            },
        }
    }

    /// What it needs and what is there now; what was there then nobody kept.
    fn margin(&self, error: OrderError) -> String {
        let (Some(account), Some(instrument), Some(spec)) = (self.account, self.instrument, &self.spec)
        else {
            return rule(error).to_owned();
        };
        let wallet = match spec.kind {
            ContractKind::Linear => Wallet::Flex,
            ContractKind::Inverse => {
                // A wallet of one currency is named after its pair; the one that the positions of the contract stand in.
                return self.inverse_margin(account, error);
            }
        };
        let steps = |on_grid: OnGrid| match on_grid {
            OnGrid::Steps(steps) => steps,
            OnGrid::Off => 0,
            OnGrid::TooLarge => i64::MAX,
        };
        let qty = Qty(self.figures.size.map_or(0, |size| steps(grid::lots(size, spec))));
        let limit = self.figures.limit_price.map(|price| Price(steps(grid::ticks(price, spec))));
        let side = self.figures.side.map(|side| match side {
            Side::Buy => loligo_engine::Side::Buy,
            Side::Sell => loligo_engine::Side::Sell,
        });
        let seen = self.explainer.ask(move |exchange| {
            let quote =
                side.and_then(|side| exchange.initial_margin_of(account, instrument, side, qty, limit).ok());
            (quote, available(exchange, account, wallet))
        });
        match seen {
            Some((Some(quote), Some(available))) => format!(
                "{}: initial margin of {} USD needed besides the fee, {} USD available",
                rule(error),
                grid::need(quote.initial_margin),
                grid::amount(available)
            ),
            Some((None, Some(available))) => {
                format!("{}: {} USD available", rule(error), grid::amount(available))
            }
            Some((_, None)) | None => rule(error).to_owned(),
        }
    }

    fn inverse_margin(&self, account: AccountId, error: OrderError) -> String {
        let Some(spec) = &self.spec else { return rule(error).to_owned() };
        let base = spec.base;
        let seen = self.explainer.ask(move |exchange| {
            let wallets = exchange.wallets(account);
            wallets.iter().find(|wallet| wallet.settlement == Some(base)).map(|wallet| wallet.available())
        });
        match seen.flatten() {
            Some(available) => {
                format!("{}: {} {} available", rule(error), grid::amount(available), base.code())
            }
            None => format!("{}: its wallet holds no {}", rule(error), base.code()),
        }
    }

    fn limits(&self) -> Option<Limits> {
        let (account, instrument) = (self.account, self.instrument);
        self.explainer.ask(move |exchange| exchange.limits(account, instrument))
    }

    fn count(&self, error: OrderError) -> String {
        let Some(limits) = self.limits() else { return rule(error).to_owned() };
        match error {
            OrderError::OrderLimitExceeded => format!(
                "the account has as many open orders or waiting triggers here as it may: {} orders, {} triggers",
                limits.open_orders, limits.triggers
            ),
            OrderError::SmallOrderLimitExceeded => format!(
                "the account has {} open orders here below {} USD, as many as it may",
                limits.small_orders, limits.small_order_usd
            ),
            _ => format!(
                "the account has {} waiting trailing stops here, as many as it may",
                limits.trailing_stops
            ),
        }
    }

    fn collar(&self) -> String {
        let instrument = self.instrument;
        let mark = self.explainer.ask(move |exchange| exchange.market(instrument?)?.mark).flatten();
        match (self.limits(), mark) {
            (Some(limits), Some(mark)) => format!(
                "it would fill more than {} per cent from the mark price, {}",
                Decimal::new(i128::from(limits.price_collar), 4),
                grid::fine_price(mark)
            ),
            _ => rule(OrderError::PriceCollar).to_owned(),
        }
    }

    /// The touch as it is now.
    fn touch(&self) -> String {
        let (Some(instrument), Some(spec)) = (self.instrument, &self.spec) else { return String::new() };
        let market = self.explainer.ask(move |exchange| exchange.market(instrument)).flatten();
        let Some(market) = market else { return String::new() };
        let text = |level: Option<(Price, Qty)>| {
            level.map_or_else(|| "none".to_owned(), |(at, _)| grid::price(at, spec).to_string())
        };
        format!(" (best bid {}, best ask {})", text(market.bid), text(market.ask))
    }
}

fn available(exchange: &Exchange, account: AccountId, wallet: Wallet) -> Option<loligo_engine::Fine> {
    exchange.wallets(account).iter().find(|view| view.wallet == wallet).map(|view| view.available())
}

/// A number as it was sent, as far as it is one.
fn number(number: Number) -> String {
    match number {
        Number::Fits(decimal) => decimal.to_string(),
        Number::TooLarge { negative: true } => "(a very large number below zero)".to_owned(),
        Number::TooLarge { negative: false } => "(a very large number)".to_owned(),
        Number::TooPrecise { .. } => "(a number of very many digits)".to_owned(),
    }
}

/// The rule that refuses, in plain words.
fn rule(error: OrderError) -> &'static str {
    match error {
        OrderError::MarketNotFound => "the contract is not open yet, inactive or expired",
        OrderError::MarketSuspended => "the contract is suspended, or its index price is too old",
        OrderError::MarketIsPostOnly => "the contract takes only post orders now",
        OrderError::OrderCannotHaveTriggerPrice => "only stp, take_profit and trailing_stop have a stopPrice",
        OrderError::CannotEditTriggerPriceOfTrailingStop => {
            "the trigger price of a trailing stop follows its signal"
        }
        OrderError::CannotEditLimitPriceOfTrailingStop => "a trailing stop has no limitPrice",
        OrderError::InvalidPrice => "a price is not positive, off the tick, or too large",
        OrderError::TrailingStopPercentTooPrecise => "trailingStopMaxDeviation has more than two decimals",
        OrderError::TrailingStopQuoteOffTick => "trailingStopMaxDeviation is off the tick",
        OrderError::TrailingStopTooLarge => "trailingStopMaxDeviation is more than 50 per cent",
        OrderError::TrailingStopTooSmall => {
            "trailingStopMaxDeviation is less than 0.1 per cent, or than a tick"
        }
        OrderError::NoReferencePrice => "the price that the trailing stop would follow has no value yet",
        OrderError::InsufficientHeadroom => "the trailing stop would come too near to its signal, or to zero",
        OrderError::LimitPriceAbsoluteAndRelative => {
            "limitPrice and limitPriceOffsetValue exclude each other"
        }
        OrderError::LimitOffsetValueInvalid => {
            "limitPriceOffsetValue is no number, or the order is no trigger"
        }
        OrderError::LimitOffsetUnitInvalid => "limitPriceOffsetUnit is neither PERCENT nor QUOTE_CURRENCY",
        OrderError::LimitOffsetIncomplete => "limitPriceOffsetValue and limitPriceOffsetUnit go together",
        OrderError::LimitOffsetOffTick => "limitPriceOffsetValue is off the tick",
        OrderError::LimitOffsetTooPrecise => "limitPriceOffsetValue has more than two decimals",
        OrderError::LimitOffsetTooHigh => "limitPriceOffsetValue is more than 50 per cent above",
        OrderError::LimitOffsetTooLow => "limitPriceOffsetValue is more than 50 per cent below",
        OrderError::InvalidQuantity => {
            "the size is not positive, off the lot, or worth more than an order may be"
        }
        OrderError::ClientOrderIdTooLong => "cliOrdId has more than 100 characters",
        OrderError::ClientOrderIdInvalid => "cliOrdId is empty or has control characters",
        OrderError::ClientOrderIdInUse => "another open order of the account has this cliOrdId",
        OrderError::SmallOrderLimitExceeded => "the account has too many small open orders here",
        OrderError::OrderLimitExceeded => "the account has too many open orders here",
        OrderError::TrailingStopLimitExceeded => "the account has too many trailing stops here",
        OrderError::WouldNotReducePosition => {
            "it is reduce-only and there is no position that it would reduce"
        }
        OrderError::FixedLeverageTooHigh => {
            "the leverage set for the contract is too high for so large a position"
        }
        OrderError::MaxPositionExceeded => "the position would be beyond the contract's greatest",
        OrderError::PriceCollar => "it would fill too far from the mark price",
        OrderError::PriceDislocation => {
            "it would move the book further from the index, and it is too far already"
        }
        OrderError::InsufficientMargin => "available margin does not cover it",
        OrderError::InsufficientClosingMargin => "closing would lose more than there is",
        OrderError::WouldCauseLiquidation => "it would fill so far from the mark that liquidation followed",
        OrderError::PostWouldExecute => "it is post-only and would have matched",
        OrderError::IocWouldNotExecute => {
            "nothing, or not all that it asks for, is there to match at its price"
        }
        OrderError::WouldExecuteSelf => "it would meet an order of the same account or family",
        OrderError::RejectedAfterExecution => "after a part was filled it met an order of its own account",
        OrderError::EditHasNoEffect => "the order is so already",
        OrderError::OrderForEditNotFound => "this account has no such open order",
        OrderError::OrderForCancellationNotFound => "this account has no such open order",
        OrderError::AccountInactive => "trading of this account is switched off",
    }
}
