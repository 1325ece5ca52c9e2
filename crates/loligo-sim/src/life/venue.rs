//! What a short-lived venue lists, and who is on it.

use super::Life;
use loligo_engine::{
    AccountId, AssignmentProgram, Command, ContractKind, CreateAccount, Currency, Deposit, FinePrice,
    Genesis, InstrumentId, InstrumentSpec, Limits, MarginLevel, MarketPast, Money, PairId, PastRate,
    PastTrade, Price, Qty, Side, TimeFrame, Timestamp, Wallet,
};

/// An hour of exchange time.
pub(super) const HOUR: i64 = 3_600 * Timestamp::SECOND;
/// A Thursday evening, so that venues see a day of the week and, where they are left alone long enough, a weekend.
const EVENING: i64 = 1_767_225_600_000_000 + 23 * HOUR;
/// How long before the hour a venue opens.
pub(super) const BEFORE_THE_HOUR: i64 = 200 * Timestamp::SECOND;
/// Makers with deep pockets; all others are poor.
pub(super) const RICH: u32 = 2;

/// The perpetual on XBT.
pub(super) const PERPETUAL: InstrumentId = InstrumentId(0);
/// What is inverse.
pub(super) const INVERSE: [InstrumentId; 2] = [InstrumentId(3), InstrumentId(4)];
/// Where margin levels of linear contracts start, in USD.
pub(super) const LINEAR_STARTS: [u64; 2] = [4_000, 20_000];
/// Where those of inverse ones start, in contracts.
pub(super) const INVERSE_STARTS: [u64; 2] = [3_000, 20_000];
/// Pairs of contracts, in the order in which they are numbered.
pub(super) const PAIRS: [(&str, i64); 2] = [("XBT:USD", 50_000), ("ETH:USD", 2_500)];
/// Pairs of currencies that are only collateral, with what one is worth in hundredths.
pub(super) const MONEY: [(&str, i64); 4] =
    [("EUR:USD", 110), ("USDC:USD", 100), ("SOL:USD", 15_000), ("AAVE:USD", 20_000)];
/// What flex wallets are given.
pub(super) const COLLATERAL: [&str; 8] = ["USD", "EUR", "USDC", "BTC", "ETH", "SOL", "AAVE", "NEAR"];
/// The pair of one that has no price until somebody says one.
pub(super) const UNPRICED: PairId = PairId(13);

pub(super) fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a code")
}

pub(super) fn hundredths(count: i64) -> FinePrice {
    FinePrice(i128::from(count) * 10_i128.pow(16))
}

impl Life {
    /// The contracts: two dated ones among them that end a while after the hour.
    pub(super) fn contracts(&mut self) -> Vec<InstrumentSpec> {
        use ContractKind::{Inverse, Linear};
        let levels = |starts: &[u64], first: u32| {
            let starts = [0].into_iter().chain(starts.iter().copied());
            let levels = starts.zip([first, 2 * first, 4 * first]);
            levels.map(|(from, initial)| MarginLevel { from, initial, maintenance: initial / 2 }).collect()
        };
        let linear = InstrumentSpec {
            symbol: "PF_XBTUSD".into(),
            kind: Linear,
            pair: "XBT:USD".into(),
            base: currency("BTC"),
            quote: Currency::USD,
            tick_mantissa: 1,
            tick_scale: 0,
            lot_precision: 4,
            max_position: Qty(12_000_000),
            impact_mid_size: Qty(200),
            margin_levels: levels(&LINEAR_STARTS, 10_000),
            opening: Timestamp(0),
            expiry: None,
            funding_rate_coefficient: 8,
            max_relative_funding_rate: 500_000,
            min_relative_funding_rate: None,
        };
        let inverse = InstrumentSpec {
            symbol: "PI_XBTUSD".into(),
            kind: Inverse,
            tick_mantissa: 5,
            tick_scale: 1,
            lot_precision: 0,
            max_position: Qty(75_000_000),
            impact_mid_size: Qty(100),
            margin_levels: levels(&INVERSE_STARTS, 20_000),
            ..linear.clone()
        };
        let ends = |after: i64| Some(Timestamp(self.hour + after * Timestamp::SECOND));
        let (linear_ends, inverse_ends) = (ends(self.ends.0), ends(self.ends.1));
        vec![
            linear.clone(),
            InstrumentSpec { symbol: "FF_XBTUSD_260102".into(), expiry: linear_ends, ..linear.clone() },
            InstrumentSpec {
                symbol: "PF_ETHUSD".into(),
                pair: "ETH:USD".into(),
                base: currency("ETH"),
                tick_scale: 1,
                lot_precision: 3,
                // So much that who takes it over can gain more than is its own.
                margin_levels: levels(&LINEAR_STARTS, 70_000),
                ..linear
            },
            inverse.clone(),
            InstrumentSpec { symbol: "FI_XBTUSD_260102".into(), expiry: inverse_ends, ..inverse },
        ]
    }

    /// Everything before the first order.
    pub(super) fn opening(&mut self) -> Vec<Command> {
        let contracts = self.contracts();
        let mut indexes: Vec<(String, FinePrice)> =
            PAIRS.iter().map(|(pair, whole)| ((*pair).to_owned(), hundredths(whole * 100))).collect();
        indexes.extend(MONEY.iter().map(|(pair, worth)| ((*pair).to_owned(), hundredths(*worth))));
        let genesis = Genesis {
            table_seed: self.rng.next_u64(),
            instruments: contracts.clone(),
            indexes,
            limits: Limits { price_collar: 400_000, ..Limits::default() },
            pasts: self.pasts(&contracts),
        };
        let mut commands = vec![Command::Genesis(Box::new(genesis))];
        for (pair, (_, whole)) in (0..).map(PairId).zip(PAIRS) {
            commands.push(Command::PinIndex { pair, price: Some(hundredths(whole * 100)) });
        }
        for account in 0..self.accounts {
            // One subaccount, at times a house.
            let parent = (account == 4).then_some(AccountId(3));
            let house = account == 1 && self.has_house;
            commands.push(Command::CreateAccount(CreateAccount { parent, house }));
        }
        for account in 0..self.accounts {
            self.fund(AccountId(account), &mut commands);
        }
        if self.chance(60) {
            let amount = Money(i128::from(self.rng.below(400)) * Money::ONE / 4);
            commands.push(Command::SetPool { currency: Currency::USD, amount });
        }
        if self.has_whale {
            commands.push(Command::SetInterest { rate: self.pick(&[1, 1_000, 1_000_000]) });
        }
        for account in 0..self.accounts {
            // Most who offer something have what it takes.
            if self.chance(if account < RICH { 50 } else { 20 }) {
                commands.push(self.program(AccountId(account)));
            }
        }
        commands
    }

    /// Rates of the hour in which it opens, large enough to be felt.
    fn pasts(&mut self, contracts: &[InstrumentSpec]) -> Vec<MarketPast> {
        let mut pasts = vec![];
        for (instrument, spec) in
            (0..).map(InstrumentId).zip(contracts).filter(|(_, spec)| spec.expiry.is_none())
        {
            let (pair, fair) = if spec.pair == PAIRS[0].0 { PAIRS[0] } else { PAIRS[1] };
            debug_assert_eq!(pair, spec.pair);
            // Of linear contracts such that what accrues in a millisecond is a whole number of the units of money.
            let odd = i128::from(self.rng.below(400)) - 200;
            let fair_price = i128::from(fair);
            let (relative, absolute) = match spec.kind {
                ContractKind::Linear => (odd * 36 * 10_i128.pow(16) / fair_price, odd * 36 * 10_i128.pow(16)),
                ContractKind::Inverse => (odd * 10_i128.pow(13), odd * 10_i128.pow(13) / fair_price),
            };
            let rates = vec![PastRate { hour: Timestamp(self.hour - HOUR), relative, absolute }];
            let at = Timestamp(self.time - 1);
            let last = PastTrade {
                price: Price(self.fair[instrument.0 as usize]),
                qty: Qty(1),
                side: Side::Buy,
                at,
            };
            let mark = hundredths(fair * 100);
            pasts.push(MarketPast { instrument, trades: 1, last, mark, hours: vec![], rates });
        }
        pasts
    }

    /// True for who has much, but none of it in USD.
    pub(super) fn is_whale(&self, account: AccountId) -> bool {
        self.has_whale && account.0 == RICH
    }

    fn fund(&mut self, account: AccountId, commands: &mut Vec<Command>) {
        let mut give = |wallet, currency, amount: i128| {
            let amount = Money(amount);
            commands.push(Command::Deposit(Deposit { account, wallet, currency, amount }));
        };
        let btc = currency("BTC");
        if account.0 < RICH {
            give(Wallet::Flex, Currency::USD, 10_000_000 * Money::ONE);
            give(Wallet::Inverse(PairId(0)), btc, 100 * Money::ONE);
            return;
        }
        if self.is_whale(account) {
            return give(Wallet::Flex, btc, 40 * Money::ONE);
        }
        // From some tens to some hundreds of USD in one to three currencies.
        let currencies = 1 + self.rng.below(3);
        for at in 0..currencies {
            let code = if at == 0 && self.rng.below(100) < 60 {
                "USD"
            } else {
                COLLATERAL[self.rng.below(COLLATERAL.len() as u64) as usize]
            };
            let usd = 30 + self.rng.below(400) as i128;
            let worth = worth_in_hundredths(code);
            give(Wallet::Flex, currency(code), usd * 100 * Money::ONE / worth);
        }
        if self.rng.below(100) < 60 {
            let sats = 50_000 + self.rng.below(900_000) as i128;
            give(Wallet::Inverse(PairId(0)), btc, sats * Money::ONE / 100_000_000);
        }
    }

    /// What an account might offer to take over.
    pub(super) fn program(&mut self, account: AccountId) -> Command {
        let kind = if self.chance(70) { ContractKind::Linear } else { ContractKind::Inverse };
        let one = if kind == ContractKind::Linear { PERPETUAL } else { INVERSE[0] };
        let millionths = |life: &mut Self| match kind {
            ContractKind::Linear => 100 * (1 + life.rng.below(3_000) as i64),
            ContractKind::Inverse => 1_000_000 * (1 + life.rng.below(5_000) as i64),
        };
        let instrument = self.chance(40).then_some(one);
        let (base, quote) = match instrument {
            Some(_) => (None, None),
            None if kind == ContractKind::Inverse => (None, Some(Currency::USD)),
            None => {
                let base = self.pick(&["BTC", "ETH", "ETH"]);
                (self.chance(70).then(|| currency(base)), Some(Currency::USD))
            }
        };
        let max_size = self.chance(50).then(|| millionths(self));
        let max_position = self.chance(50).then(|| 2 * millionths(self));
        let mut least = |percent: u64| {
            let asked = self.pick(&[-200_000, 0, 300_000, 500_000, 500_001, 2_500_000, 3_000_000]);
            self.chance(percent).then_some(asked)
        };
        let (min_profit_long, min_profit_short) = (least(30), least(30));
        let program = AssignmentProgram {
            kind,
            instrument,
            base,
            quote,
            max_size,
            max_position,
            accept_long: self.chance(85),
            accept_short: self.chance(85),
            time_frame: self.pick(&[TimeFrame::All, TimeFrame::All, TimeFrame::Weekdays, TimeFrame::Weekend]),
            enabled: self.chance(90),
            max_notional: self.chance(15).then(|| Money(i128::from(self.rng.below(5_000)) * Money::ONE)),
            min_profit_long,
            min_profit_short,
        };
        Command::AddAssignmentProgram { account, program: Box::new(program) }
    }

    /// An offer to take over whatever comes in a contract.
    pub(super) fn any_program(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        model: &crate::model::Model,
    ) -> Command {
        let linear = model.margin_wallet(instrument).0 == Wallet::Flex;
        let program = AssignmentProgram {
            kind: if linear { ContractKind::Linear } else { ContractKind::Inverse },
            instrument: Some(instrument),
            base: None,
            quote: None,
            max_size: None,
            max_position: None,
            accept_long: true,
            accept_short: true,
            time_frame: TimeFrame::All,
            enabled: true,
            max_notional: None,
            min_profit_long: None,
            min_profit_short: None,
        };
        Command::AddAssignmentProgram { account, program: Box::new(program) }
    }

    /// When a seed's venue sees its hour: on a Friday for the most part, on a Saturday for some.
    pub(super) fn hour_of(seed: u64) -> i64 {
        let days = if seed.is_multiple_of(3) { 2 } else { 0 };
        EVENING + HOUR + days * 24 * HOUR
    }
}

/// What one of a currency is worth in hundredths of a USD, when a venue opens.
pub(super) fn worth_in_hundredths(code: &str) -> i128 {
    let pair = match code {
        "USD" => return 100,
        "BTC" => return 100 * i128::from(PAIRS[0].1),
        "ETH" => return 100 * i128::from(PAIRS[1].1),
        code => format!("{code}:USD"),
    };
    let row = MONEY.iter().find(|(name, _)| *name == pair);
    row.map_or(100, |(_, worth)| i128::from(*worth))
}
