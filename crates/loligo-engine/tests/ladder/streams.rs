//! Poor accounts, high leverage and gaps, amid all that may happen beside them: halts, an index that grows old, contracts that end,
//! collateral in other currencies that moves, isolated positions. After every command the audit finds money conserved and nobody
//! short of margin of whom nothing follows.

use super::fixture::{Desk, ask, bid, reduce_only};
use super::*;
use loligo_engine::{Leverage, OnGrid, Timestamp};
use std::collections::BTreeMap;

const FIRST: InstrumentId = InstrumentId(0);
const INVERSE: InstrumentId = InstrumentId(1);
const SECOND_LISTED: InstrumentId = InstrumentId(2);
/// Contracts that end: amid the stream, and while the last ladders are gone down.
const DATED: [(InstrumentId, i64); 2] = [(InstrumentId(3), 40), (InstrumentId(4), 160)];
const PAIR: PairId = PairId(0);

fn price_of(whole: i64) -> Option<FinePrice> {
    Some(FinePrice(i128::from(whole) * 10_i128.pow(18)))
}

/// A desk at which all contracts are listed, eight poor accounts, some of which take over positions, and something in the pool or nothing.
struct Stream {
    desk: Desk,
    accounts: Vec<AccountId>,
    random: u64,
    price: i64,
}

impl Stream {
    fn draw(&mut self, below: i64) -> i64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as i64 % below
    }

    fn new(seed: u64) -> Self {
        let mut desk = Desk::listed();
        desk.second();
        let spec = desk.exchange.instrument(FIRST).expect("the first").spec().clone();
        for (id, ends) in DATED {
            let symbol = format!("FF_XBTUSD_{ends}");
            let spec = InstrumentSpec { symbol, expiry: Some(Timestamp(ends * SECOND)), ..spec.clone() };
            assert_eq!(desk.apply(&Command::List(Box::new(spec))), Outcome::Listed(id));
        }
        let mut accounts = vec![desk.alice, desk.bob, desk.carol, desk.alice_sub];
        accounts.extend((0..4).map(|_| open_account(&mut desk, false)));
        let mut stream = Self { desk, accounts, random: seed, price: 50_000 };
        stream.price_all();
        for account in stream.accounts.clone() {
            stream.fund(account);
            if stream.draw(3) == 0 {
                let program = stream.program();
                stream.desk.provides(account, program);
            }
        }
        if stream.draw(2) == 0 {
            let filled = usd(i128::from(stream.draw(3_000)), 0);
            pool(&mut stream.desk, filled);
        }
        stream
    }

    fn fund(&mut self, account: AccountId) {
        let usd_held = i128::from(500 + self.draw(3_000)) * Money::ONE;
        self.desk.holds(account, usd_held);
        let [bitcoin, euro] = ["BTC", "EUR"].map(|code| Currency::parse(code).expect("a code"));
        let mut given = vec![];
        if account.0 >= 4 {
            given.push((Wallet::Inverse(PAIR), bitcoin, usd(1, 1)));
        }
        if self.draw(3) == 0 {
            given.push((Wallet::Flex, euro, usd(i128::from(100 + self.draw(2_000)), 0)));
        }
        if self.draw(4) == 0 {
            given.push((Wallet::Flex, bitcoin, usd(i128::from(1 + self.draw(40)), 3)));
        }
        for (wallet, currency, amount) in given {
            self.desk.done(&Command::Deposit(Deposit { account, wallet, currency, amount }));
        }
    }

    fn program(&mut self) -> AssignmentProgram {
        let inverse = self.draw(4) == 0;
        let unit = if inverse { 5_000 * MILLION } else { MILLION / 5 };
        AssignmentProgram {
            instrument: None,
            kind: if inverse { ContractKind::Inverse } else { ContractKind::Linear },
            accept_long: self.draw(3) > 0,
            max_size: (self.draw(2) == 0).then(|| unit * (1 + self.draw(10))),
            max_position: (self.draw(2) == 0).then(|| unit * (1 + self.draw(20))),
            min_profit_long: (self.draw(2) == 0).then(|| self.draw(200_000_001) - 100_000_000),
            ..takes_all()
        }
    }

    fn contract(&mut self) -> InstrumentId {
        [FIRST, SECOND_LISTED, INVERSE, DATED[0].0, DATED[1].0][self.draw(5) as usize]
    }

    /// Pins the marks of all contracts, and the index.
    fn price_all(&mut self) {
        let price = price_of(self.price);
        self.desk.price(self.price.into());
        for (instrument, _) in DATED.into_iter().chain([(SECOND_LISTED, 0)]) {
            self.desk.apply(&Command::PinMark { instrument, price });
        }
    }

    fn trade(&mut self) {
        let (account, contract) = (self.account(), self.contract());
        let inverse = contract == INVERSE;
        let near = if inverse { 2 } else { 1 } * (self.price + self.draw(300) - 150);
        let lots = if inverse { 1 + self.draw(60_000) } else { 1 + self.draw(2 * BTC) };
        self.desk.second_again(contract);
        let order = if self.draw(2) == 0 { bid(lots, near) } else { ask(lots, near) };
        self.desk.place(account, order);
    }

    fn account(&mut self) -> AccountId {
        let at = self.draw(self.accounts.len() as i64) as usize;
        self.accounts[at]
    }

    fn step(&mut self) {
        let (account, instrument) = (self.account(), self.contract());
        match self.draw(40) {
            0..=25 => self.trade(),
            26..=27 => {
                let leverage = [None, Some(500), Some(1_000), Some(5_000)][self.draw(4) as usize];
                let leverage = leverage.map(Leverage);
                self.desk.apply(&Command::SetLeverage { account, instrument, leverage });
            }
            28 => drop(self.desk.apply(&Command::CancelAll { account, instrument: None })),
            29 => {
                let state = [MarketState::Suspended, MarketState::PostOnly][self.draw(2) as usize];
                self.desk.apply(&Command::SetMarketState { instrument, state });
            }
            30..=31 => {
                self.desk.apply(&Command::SetMarketState { instrument, state: MarketState::Open });
            }
            32 => {
                // What is published grows old, and stops all markets of the pair, unless it is pinned before.
                self.desk.done(&Command::PinIndex { pair: PAIR, price: None });
                self.desk.publish(self.price.into());
            }
            33 => {
                let pair = self.desk.exchange.pair_by_name("EUR:USD").expect("priced");
                let price = Some(FinePrice(i128::from(5 + self.draw(11)) * 10_i128.pow(17)));
                self.desk.done(&Command::PinIndex { pair, price });
            }
            34..=35 => {
                let wait = self.draw(4 * SECOND);
                self.desk.wait(wait);
            }
            _ => {
                // A gap, of up to a third of the price, of one contract alone or of all.
                self.price = (self.price * (700 + self.draw(650)) / 1_000).clamp(500, 400_000);
                let price = price_of(self.price);
                if self.draw(4) == 0 {
                    self.desk.apply(&Command::PinMark { instrument, price });
                } else {
                    self.price_all();
                }
            }
        }
    }

    /// Opens every market that is still there, at one price.
    fn open_all(&mut self) {
        for instrument in (0..5).map(InstrumentId) {
            self.desk.apply(&Command::SetMarketState { instrument, state: MarketState::Open });
        }
        self.price_all();
    }

    fn liquidated(&self) -> Vec<AccountId> {
        let is_liquidated =
            |account: &AccountId| self.desk.exchange.wallets(*account).iter().any(|wallet| wallet.liquidated);
        self.accounts.iter().copied().filter(is_liquidated).collect()
    }

    /// One second with all markets open: something is done about everyone who is on the ladder.
    fn second(&mut self, seed: u64) {
        let (on_it, told) = (self.liquidated(), self.desk.executions().len());
        self.desk.wait(SECOND);
        let (still, executions) = (self.liquidated(), self.desk.executions());
        for account in on_it.iter().filter(|account| still.contains(account)) {
            let stepped = executions[told..].iter().any(|execution| execution.taker.account == *account);
            assert!(stepped, "seed {seed}: {account:?} stands still on the ladder");
        }
    }

    /// Nobody is on the ladder, nobody who is flat is below zero, and what anybody holds can be traded away.
    fn check(&mut self, seed: u64) {
        for account in self.accounts.clone() {
            self.desk.apply(&Command::CancelAll { account, instrument: None });
            for wallet in self.desk.exchange.wallets(account) {
                assert!(!wallet.liquidated, "seed {seed}: {account:?} is still on the ladder");
                let short = wallet.cross_equity() < wallet.maintenance_margin;
                assert!(!short || wallet.maintenance_margin == Fine::ZERO, "seed {seed}: {wallet:?}");
                if wallet.settlement.is_some() && self.desk.exchange.positions(account).is_empty() {
                    let owes = wallet.balances.iter().any(|(_, held)| *held < Money::ZERO);
                    assert!(!owes, "seed {seed}: {wallet:?}");
                }
            }
        }
        for account in self.accounts.clone() {
            for position in self.desk.exchange.positions(account) {
                let ticks = self.price * if position.instrument == INVERSE { 2 } else { 1 };
                let lots = position.qty.abs();
                let order = if position.qty > 0 { ask(lots, 2 * ticks) } else { bid(lots, ticks / 2) };
                self.desk.second_again(position.instrument);
                let order = reduce_only(order);
                assert_eq!(order.qty, OnGrid::Steps(lots));
                self.desk.placed(account, order);
            }
        }
    }
}

/// Whatever the gap: nobody is left with a position that cannot be traded away, nobody ends below zero, and no money comes or goes.
#[test]
fn whatever_the_gap_no_one_stays_with_a_position_that_is_short_of_margin() {
    let mut seen = BTreeMap::<String, usize>::new();
    for seed in 1..=80_u64 {
        let mut stream = Stream::new(seed);
        let mut halted = 0;
        for _ in 0..160 {
            stream.step();
            let on_it = stream.liquidated();
            let is_open =
                |id| stream.desk.exchange.market(id).is_some_and(|market| market.state == MarketState::Open);
            halted += usize::from(!on_it.is_empty() && !is_open(FIRST));
        }
        stream.open_all();
        // As many seconds as a position has tenths, and steps of one.
        for _ in 0..160 {
            stream.second(seed);
        }
        stream.check(seed);
        for (role, ..) in rungs(&stream.desk) {
            *seen.entry(format!("{role:?}")).or_default() += 1;
        }
        *seen.entry("on the ladder beside a halt".into()).or_default() += halted;
        for event in stream.desk.events() {
            let what = match event {
                Event::Balance { cause: BalanceCause::Pool, .. } => "paid by the pool",
                Event::Converted(_) => "converted",
                Event::Settled(_) => "settled",
                Event::Leverage { leverage: Some(_), .. } => "isolated",
                _ => continue,
            };
            *seen.entry(what.into()).or_default() += 1;
        }
    }
    for what in [
        "PartialLiquidation",
        "Liquidation",
        "CoveredLiquidation",
        "Assignor",
        "UnwindBankrupt",
        "paid by the pool",
        "converted",
        "settled",
        "isolated",
        "on the ladder beside a halt",
    ] {
        assert!(seen.get(what).is_some_and(|times| *times >= 5), "{what}: {seen:?}");
    }
}
