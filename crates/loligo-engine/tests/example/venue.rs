//! An exchange that does what the lines of an example say, with contracts as the rule book lists them.

use crate::page::{number, table};
use loligo_engine::{
    AccountId, Command, ContractKind, CreateAccount, Currency, Deposit, Event, Exchange, Fill, Fine,
    FinePrice, Genesis, Instrument, InstrumentId, InstrumentSpec, Leverage, Limits, MarginLevel, Money,
    OnGrid, OrderType, Outcome, PairId, PlaceOrder, Price, Qty, Side, Timestamp, Wallet, WalletView,
};
use std::collections::BTreeMap;
use std::fmt;

/// 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000_000);
const DAY: i64 = 86_400 * Timestamp::SECOND;

/// What is found where an example looks: an amount in units of 1e-24, or a word.
#[derive(Debug)]
pub enum Found {
    Amount(i128),
    Word(String),
}

impl Found {
    /// Whether it is what was written: exactly, or cut where `…` stands.
    pub fn is(&self, written: &str) -> bool {
        match self {
            Found::Word(word) => word == written,
            Found::Amount(amount) if written.contains('…') => {
                let cut = written.replace('…', "");
                let percent = if cut.ends_with('%') { 2 } else { 0 };
                let decimals = cut.trim_end_matches('%').split_once('.').map_or(0, |(_, part)| part.len());
                let unit = 10_i128.pow(24 - percent - u32::try_from(decimals).expect("few"));
                number(&cut, 24) / unit == amount / unit
            }
            Found::Amount(amount) => number(written, 24) == *amount,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = match self {
            Found::Word(word) => return to.write_str(word),
            Found::Amount(amount) => amount,
        };
        let sign = if *amount < 0 { "-" } else { "" };
        let digits = format!("{:025}", amount.unsigned_abs());
        let (whole, part) = digits.split_at(digits.len() - 24);
        let text = format!("{sign}{whole}.{part}");
        to.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn fine(amount: Fine) -> Option<Found> {
    Some(Found::Amount(amount.0))
}

fn money(amount: Money) -> Option<Found> {
    fine(amount.fine())
}

fn price(price: FinePrice) -> Option<Found> {
    Some(Found::Amount(price.0 * 1_000_000))
}

/// A rate or a price of 18 decimals.
fn units(rate: i128) -> Option<Found> {
    price(FinePrice(rate))
}

pub fn fine_price(written: &str) -> FinePrice {
    FinePrice(number(written, 18))
}

/// The levels of a class of the rule book.
fn levels(class: &str) -> Vec<MarginLevel> {
    for head in ["Linear", "Inverse"] {
        let (heads, rows) = table("4.2", head);
        let Some(row) = rows.into_iter().find(|row| row[0] == class) else { continue };
        let level = |(cell, head): (&String, &String)| {
            let initial = u32::try_from(number(head, 6)).expect("a rate");
            MarginLevel {
                from: u64::try_from(number(cell, 0)).expect("a size"),
                initial,
                maintenance: initial / 2,
            }
        };
        return row.iter().zip(&heads).skip(1).filter(|(cell, _)| *cell != "-").map(level).collect();
    }
    panic!("the rule book has no levels {class}")
}

/// A contract as the rule book lists it; a dated one by its symbol, `FF_XBTUSD_260327`.
pub fn listed(symbol: &str) -> InstrumentSpec {
    let parts: Vec<&str> = symbol.split('_').collect();
    let series = parts[..2].join("_");
    let row = table("4.2", "Contract").1.into_iter().find(|row| row[0] == series);
    let row = row.unwrap_or_else(|| panic!("the rule book lists no {symbol}"));
    let linear = symbol.starts_with("PF_") || symbol.starts_with("FF_");
    let tick_scale = row[1].split_once('.').map_or(0, |(_, part)| part.len());
    let precision = (-3..=6_i8)
        .find(|decimals| number(&row[2], 6) == 10_i128.pow(u32::try_from(6 - decimals).expect("few")));
    let lot_precision = precision.expect("a power of ten");
    let lots = |contracts: &str| {
        let lots = number(contracts, 6) * 10_i128.pow(6) / number(&row[2], 6) / 10_i128.pow(6);
        Qty(i64::try_from(lots).expect("lots"))
    };
    let base = parts[1].strip_suffix("USD").expect("against USD");
    let expiry = parts.get(2).map(|date| {
        let part = |at: usize| date[at..at + 2].parse::<i64>().expect("a date");
        // Days from the first of January, in a year of 365; hours in winter.
        let before: i64 = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
            [usize::try_from(part(2) - 1).expect("a month")];
        assert_eq!(part(0), 26, "a date of 2026");
        let hour = if linear { 8 } else { 16 };
        START.plus((before + part(4) - 1) * DAY + hour * 3_600 * Timestamp::SECOND)
    });
    InstrumentSpec {
        symbol: symbol.to_owned(),
        kind: if linear { ContractKind::Linear } else { ContractKind::Inverse },
        pair: format!("{base}:USD"),
        base: Currency::parse(if base == "XBT" { "BTC" } else { base }).expect("a code"),
        quote: Currency::USD,
        tick_mantissa: u32::try_from(number(&row[1], u32::try_from(tick_scale).expect("few")))
            .expect("a tick"),
        tick_scale: u8::try_from(tick_scale).expect("few"),
        lot_precision,
        max_position: lots(&row[3]),
        impact_mid_size: lots(&row[4]),
        margin_levels: levels(&row[5]),
        opening: START,
        expiry,
        funding_rate_coefficient: if expiry.is_none() { 8 } else { 0 },
        max_relative_funding_rate: if expiry.is_none() { 500_000 } else { 0 },
        min_relative_funding_rate: None,
    }
}

pub struct Venue {
    exchange: Exchange,
    events: Vec<Event>,
    accounts: BTreeMap<String, AccountId>,
}

impl Venue {
    /// With the contracts that a text names.
    pub fn of(text: &str) -> Self {
        let names = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let mut symbols: Vec<&str> = names
            .filter(|name| ["PF_", "PI_", "FF_", "FI_"].iter().any(|prefix| name.starts_with(prefix)))
            .collect();
        symbols.sort_unstable();
        symbols.dedup();
        Self::listing(symbols.into_iter().map(listed).collect())
    }

    /// With these contracts; indexes begin as the rule book says.
    pub fn listing(instruments: Vec<InstrumentSpec>) -> Self {
        let mut venue = Self { exchange: Exchange::new(), events: Vec::new(), accounts: BTreeMap::new() };
        let first = table("4.5", "Pair").1.into_iter().map(|row| (row[0].clone(), fine_price(&row[1])));
        let genesis = Genesis {
            table_seed: 7,
            instruments,
            indexes: first.collect(),
            limits: Limits::default(),
            pasts: Vec::new(),
        };
        venue.at(START, &Command::Genesis(Box::new(genesis)));
        venue
    }

    fn at(&mut self, time: Timestamp, command: &Command) -> Outcome {
        let outcome = self.exchange.apply(time, command, &mut self.events);
        while self.exchange.is_due(self.exchange.now()) {
            let now = self.exchange.now();
            self.exchange.apply(now, &Command::Advance, &mut self.events);
        }
        self.exchange.audit().unwrap_or_else(|violation| panic!("after {command:?}: {violation}"));
        outcome
    }

    fn apply(&mut self, command: &Command) -> Outcome {
        self.at(self.exchange.now(), command)
    }

    fn done(&mut self, command: &Command) {
        let outcome = self.apply(command);
        assert_eq!(outcome, Outcome::Done, "{command:?}");
    }

    pub fn pass(&mut self, micros: i64) {
        let later = self.exchange.now().plus(micros);
        while self.exchange.now() < later || self.exchange.is_due(later) {
            self.at(later, &Command::Advance);
        }
    }

    fn contract(&self, symbol: &str) -> (InstrumentId, Instrument) {
        let found = self.exchange.instruments().find(|(_, listed)| listed.spec().symbol == symbol);
        found.map(|(id, listed)| (id, listed.clone())).unwrap_or_else(|| panic!("{symbol} is not listed"))
    }

    fn pair(&self, name: &str) -> PairId {
        self.exchange.pair_by_name(name).unwrap_or_else(|| panic!("{name} has no index"))
    }

    /// A trader by name; one of whom nothing was said has more than it needs.
    fn account(&mut self, name: &str) -> AccountId {
        if let Some(account) = self.accounts.get(name) {
            return *account;
        }
        let account = self.new_account(name);
        self.give(account, Wallet::Flex, Currency::USD, Money(100_000_000 * Money::ONE));
        let inverse: Vec<(PairId, Currency)> = self
            .exchange
            .instruments()
            .filter(|(_, listed)| listed.spec().kind == ContractKind::Inverse)
            .map(|(_, listed)| (listed.pair(), listed.spec().base))
            .collect();
        for (pair, base) in inverse {
            self.give(account, Wallet::Inverse(pair), base, Money(100_000 * Money::ONE));
        }
        account
    }

    fn new_account(&mut self, name: &str) -> AccountId {
        let outcome = self.apply(&Command::CreateAccount(CreateAccount { parent: None, house: false }));
        let Outcome::AccountCreated(account) = outcome else { panic!("{name}: {outcome:?}") };
        self.accounts.insert(name.to_owned(), account);
        account
    }

    fn give(&mut self, account: AccountId, wallet: Wallet, currency: Currency, amount: Money) {
        self.done(&Command::Deposit(Deposit { account, wallet, currency, amount }));
    }

    fn wallet(&self, name: &str) -> Wallet {
        match name.strip_prefix("fi_").and_then(|pair| pair.strip_suffix("usd")) {
            Some(base) => Wallet::Inverse(self.pair(&format!("{}:USD", base.to_uppercase()))),
            None => Wallet::Flex,
        }
    }

    pub fn order(&mut self, who: &str, side: Side, size: &str, symbol: &str, at: &str) -> Outcome {
        let account = self.account(who);
        let (instrument, listed) = self.contract(symbol);
        let spec = listed.spec();
        let lots = number(size, 6) * listed.lots_of_contracts(1_000_000) / 10_i128.pow(12);
        let ticks = number(at, u32::from(spec.tick_scale)) / i128::from(spec.tick_mantissa);
        assert_eq!(
            listed.fine_price(Price(i64::try_from(ticks).expect("ticks"))),
            fine_price(at),
            "{at} is on the tick"
        );
        self.apply(&Command::Place(PlaceOrder {
            account,
            instrument,
            side,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(i64::try_from(lots).expect("lots")),
            limit_price: Some(OnGrid::Steps(i64::try_from(ticks).expect("ticks"))),
            stop_price: None,
            trigger: None,
            limit_offset: None,
            reduce_only: false,
            client_order_id: None,
            algo_id: None,
            process_before: None,
        }))
    }

    pub fn placed(&mut self, who: &str, side: Side, size: &str, symbol: &str, at: &str) {
        let outcome = self.order(who, side, size, symbol, at);
        assert!(matches!(outcome, Outcome::Placed(_)), "{who} {side:?} {size} {symbol} at {at}: {outcome:?}");
    }

    /// Pins the index of a pair, and the marks of its contracts if they are to go with it.
    pub fn price(&mut self, pair: &str, at: FinePrice, marks: bool) {
        let pair = self.pair(pair);
        self.done(&Command::PinIndex { pair, price: Some(at) });
        let of_pair = self.exchange.instruments().filter(|(_, listed)| listed.pair() == pair);
        for instrument in of_pair.map(|(id, _)| id).filter(|_| marks).collect::<Vec<_>>() {
            self.done(&Command::PinMark { instrument, price: Some(at) });
        }
    }

    /// Does what a line says.
    pub fn carry_out(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["price", "of", pair, "is", at] => self.price(pair, fine_price(at), true),
            ["index", "of", pair, "is", at] => self.price(pair, fine_price(at), false),
            ["mark", "of", symbol, "is", at] => {
                let instrument = self.contract(symbol).0;
                self.done(&Command::PinMark { instrument, price: Some(fine_price(at)) });
            }
            [who, "has", amount, currency] => self.has(who, amount, currency, "flex"),
            [who, "has", amount, currency, "in", wallet] => self.has(who, amount, currency, wallet),
            [who, side @ ("bids" | "asks"), size, symbol, "at", at, "->", refusal] => {
                let side = if side == "bids" { Side::Buy } else { Side::Sell };
                let outcome = self.order(who, side, size, symbol, at);
                let Outcome::Rejected(_, error) = outcome else { panic!("{line}: {outcome:?}") };
                assert_eq!(screaming(&format!("{error:?}")), refusal, "{line}");
            }
            [who, "takes", "gains", "of", symbol, "in", currency] => {
                let (account, instrument) = (self.account(who), self.contract(symbol).0);
                let currency = Currency::parse(currency);
                self.done(&Command::SetPnlPreference { account, instrument, currency });
            }
            [who, "bids", size, symbol, "at", at] => self.placed(who, Side::Buy, size, symbol, at),
            [who, "asks", size, symbol, "at", at] => self.placed(who, Side::Sell, size, symbol, at),
            [who, "buys", size, symbol, "at", at, "from", other] => {
                self.placed(other, Side::Sell, size, symbol, at);
                self.placed(who, Side::Buy, size, symbol, at);
            }
            [who, "sells", size, symbol, "at", at, "to", other] => {
                self.placed(other, Side::Buy, size, symbol, at);
                self.placed(who, Side::Sell, size, symbol, at);
            }
            [who, "cancels", "all"] => {
                let account = self.account(who);
                self.apply(&Command::CancelAll { account, instrument: None });
            }
            [who, "sets", leverage, "for", symbol] => {
                let (account, instrument) = (self.account(who), self.contract(symbol).0);
                let times = leverage.strip_suffix('x').expect("so many times");
                let leverage = Some(Leverage(u32::try_from(number(times, 2)).expect("a leverage")));
                self.done(&Command::SetLeverage { account, instrument, leverage });
            }
            [count, unit, "pass" | "passes"] => self.pass(micros(count, unit)),
            _ => panic!("nobody knows how to do: {line}"),
        }
    }

    /// Says what a new trader has, or adds to what one has.
    fn has(&mut self, who: &str, amount: &str, currency: &str, wallet: &str) {
        let account = match self.accounts.get(who) {
            Some(account) => *account,
            None => self.new_account(who),
        };
        let currency = Currency::parse(currency).expect("a code");
        self.give(account, self.wallet(wallet), currency, Money(number(amount, 11)));
    }

    /// What is so: `alice flex` has `marginEquity`, `alice PF_XBTUSD` has a `size`, `PF_XBTUSD` has a `mark`.
    pub fn look_up(&self, subject: &str, name: &str) -> Option<Found> {
        let words: Vec<&str> = subject.split_whitespace().collect();
        let account = || self.accounts.get(words[0]).copied();
        match words[..] {
            [_, "converted", currency] => self.of_conversion(account()?, currency, name),
            ["pool"] => money(self.exchange.pool(Currency::parse(name)?)),
            [symbol] => self.of_contract(symbol, name),
            [_, "filled"] => self.of_fill(account()?, name),
            [_, "booked"] => self.of_funding(account()?, name),
            [_, symbol]
                if symbol.contains('_') && symbol.starts_with(|first: char| first.is_ascii_uppercase()) =>
            {
                self.of_position(account()?, symbol, name)
            }
            [_, wallet] => self.of_wallet(account()?, wallet, name),
            _ => None,
        }
    }

    fn of_contract(&self, symbol: &str, name: &str) -> Option<Found> {
        let market = self.exchange.market(self.contract(symbol).0)?;
        match name {
            "index" => price(market.index?),
            "mark" => price(market.mark?),
            "relative rate" => units(market.funding?.rate.relative),
            "absolute rate" => units(market.funding?.rate.absolute),
            "relative prediction" => units(market.funding?.prediction.relative),
            "absolute prediction" => units(market.funding?.prediction.absolute),
            _ => None,
        }
    }

    fn of_position(&self, account: AccountId, symbol: &str, name: &str) -> Option<Found> {
        let (id, listed) = self.contract(symbol);
        let positions = self.exchange.positions(account);
        let position = positions.iter().find(|position| position.instrument == id);
        let lots = position.map_or(0, |position| position.qty);
        match name {
            "size" => {
                Some(Found::Amount(i128::from(lots) * 10_i128.pow(30) / listed.lots_of_contracts(1_000_000)))
            }
            "entry" => price(position?.average_price),
            "pnl" => fine(position?.unrealized_pnl),
            "unrealizedFunding" => fine(position?.unrealized_funding),
            "initialMargin" => fine(position?.initial_margin),
            "maintenanceMargin" => fine(position?.maintenance_margin),
            "setAside" => fine(position?.set_aside),
            _ => None,
        }
    }

    fn wallet_of(&self, account: AccountId, wallet: Wallet) -> Option<WalletView> {
        self.exchange.wallets(account).into_iter().find(|view| view.wallet == wallet)
    }

    fn of_wallet(&self, account: AccountId, wallet: &str, name: &str) -> Option<Found> {
        let view = self.wallet_of(account, self.wallet(wallet))?;
        let held = |code: &str| {
            let currency = Currency::parse(code)?;
            view.balances.iter().find(|(of, _)| *of == currency).map(|(_, held)| *held)
        };
        if let Some((what, code)) = name.split_once(" of ") {
            let currency = Currency::parse(code)?;
            let held =
                self.exchange.flex(account, &view).held.into_iter().find(|held| held.currency == currency)?;
            return match what {
                "value" => money(held.value),
                "collateral" => money(held.collateral),
                "available" => money(held.available),
                "haircut" => Some(Found::Amount(i128::from(held.haircut) * 10_i128.pow(18))),
                "fee" => Some(Found::Amount(i128::from(held.conversion) * 10_i128.pow(18))),
                _ => None,
            };
        }
        // Mark prices, in units of 1e-5.
        let estimate = |price: i128| Some(Found::Amount(price * 10_i128.pow(19)));
        match name {
            "balanceValue" => money(self.exchange.flex(account, &view).value),
            "collateralValue" => money(self.exchange.flex(account, &view).collateral),
            "portfolioValue" => fine(self.exchange.flex(account, &view).portfolio),
            "totalUnrealizedAsMargin" => fine(view.unrealized_as_margin),
            "imAt" => estimate(self.exchange.mark_estimates(account, &view).initial),
            "mmAt" => estimate(self.exchange.mark_estimates(account, &view).maintenance),
            "ttAt" => estimate(self.exchange.mark_estimates(account, &view).nothing),
            "pnl" => fine(view.unrealized_pnl),
            "unrealizedFunding" => fine(view.unrealized_funding),
            "marginEquity" | "pv" => fine(view.equity),
            "initialMargin" | "im" => fine(view.initial_margin),
            "initialMarginWithOrders" => fine(view.initial_margin_with_orders),
            "maintenanceMargin" | "mm" => fine(view.maintenance_margin),
            "availableMargin" | "af" => fine(view.available()),
            "liquidated" => Some(Found::Word(if view.liquidated { "yes" } else { "no" }.to_owned())),
            code => money(held(code)?),
        }
    }

    /// The last fill of an account.
    fn of_fill(&self, account: AccountId, name: &str) -> Option<Found> {
        let ours = |fill: &Fill| fill.account == account;
        let (execution, fill) = self.events.iter().rev().find_map(|event| {
            let Event::Executed(execution) = event else { return None };
            let fill = [&execution.taker, &execution.maker].into_iter().find(|fill| ours(fill))?;
            Some((execution, fill))
        })?;
        let listed = self.exchange.instrument(execution.instrument)?;
        match name {
            "size" => Some(Found::Amount(
                i128::from(execution.qty.0) * 10_i128.pow(30) / listed.lots_of_contracts(1_000_000),
            )),
            "price" => price(listed.fine_price(execution.price)),
            "fee" => money(fill.fee),
            "liquidationFee" => money(fill.liquidation_fee),
            "pnl" => money(fill.realized_pnl),
            "funding" => money(fill.realized_funding),
            "as" => Some(Found::Word(format!("{:?}", fill.role))),
            _ => None,
        }
    }

    /// What an account's last conversion of a currency came to.
    fn of_conversion(&self, account: AccountId, currency: &str, name: &str) -> Option<Found> {
        let currency = Currency::parse(currency)?;
        let conversion = self.events.iter().rev().find_map(|event| match event {
            Event::Converted(one) if one.account == account && one.debit.currency == currency => Some(one),
            _ => None,
        })?;
        match name {
            "sold" => money(conversion.debit.amount),
            "got" => money(conversion.credit.amount),
            "fee" => money(conversion.fee),
            "rate" => price(conversion.rate),
            _ => None,
        }
    }

    /// What an hour booked an account last.
    fn of_funding(&self, account: AccountId, name: &str) -> Option<Found> {
        let rows = self.events.iter().rev().filter_map(|event| match event {
            Event::Funding(booked) if booked.account == account => Some(booked),
            _ => None,
        });
        let row = rows.into_iter().next()?;
        match name {
            "funding" => money(row.realized),
            "rate" => units(row.rate.absolute),
            "balance" => money(row.balance),
            _ => None,
        }
    }
}

/// `InsufficientMargin` as records spell it.
fn screaming(name: &str) -> String {
    let parts = name.char_indices().map(|(at, letter)| match letter.is_ascii_uppercase() && at > 0 {
        true => format!("_{letter}"),
        false => letter.to_ascii_uppercase().to_string(),
    });
    parts.collect()
}

fn micros(count: &str, unit: &str) -> i64 {
    let seconds = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => panic!("{unit} is no time"),
    };
    i64::try_from(number(count, 0)).expect("a count") * seconds * Timestamp::SECOND
}
