//! The venue that streams are about: contracts of both kinds with coarse and fine grids, a family, a house account.

use super::{Flavor, Workload};
use crate::agreement::Step;
use loligo_engine::{
    AccountId, Command, ContractKind, CreateAccount, Currency, Deposit, FinePrice, Genesis, InstrumentId,
    InstrumentSpec, Limits, MarginLevel, MarketPast, Money, PairId, PastRate, PastTrade, Price, Qty, Side,
    Timestamp, Wallet,
};

/// When streams begin: 2026-01-01.
pub(super) const OPENED: i64 = 1_767_225_600_000_000;
/// The contract whose lots are worth the most.
pub(super) const EXPENSIVE: u16 = 3;
/// Where contracts that are listed later trade.
pub(super) const LATE_FAIR: i64 = 500;
/// Two contracts of one pair, of either kind.
pub(super) const SIBLINGS: [u16; 2] = [0, 2];
/// A master and its subaccounts.
pub(super) const FAMILY: [u32; 3] = [0, 1, 7];
/// Accounts that are there from the start.
pub(super) const ACCOUNTS: u64 = 8;

/// A contract and where it trades, in ticks.
pub(super) struct Contract {
    pub(super) spec: InstrumentSpec,
    pub(super) fair: i64,
}

/// A margin level: maintenance is half of initial, cut.
fn level(from: u64, initial: u32) -> MarginLevel {
    MarginLevel { from, initial, maintenance: initial / 2 }
}

#[expect(clippy::too_many_arguments, reason = "a row of a table")]
fn contract(
    symbol: &str,
    kind: ContractKind,
    pair: &str,
    (tick_mantissa, tick_scale): (u32, u8),
    lot_precision: i8,
    max_position: i64,
    levels: &[(u64, u32)],
    fair: i64,
) -> Contract {
    let base = Currency::parse(&pair[..3]).expect("three letters");
    let spec = InstrumentSpec {
        symbol: symbol.into(),
        kind,
        pair: pair.into(),
        base,
        quote: Currency::USD,
        tick_mantissa,
        tick_scale,
        lot_precision,
        max_position: Qty(max_position),
        impact_mid_size: Qty(10),
        margin_levels: levels.iter().map(|(from, initial)| level(*from, *initial)).collect(),
        opening: Timestamp(0),
        expiry: None,
        funding_rate_coefficient: 8,
        max_relative_funding_rate: 500_000,
        min_relative_funding_rate: None,
    };
    Contract { spec, fair }
}

pub(super) fn contracts() -> Vec<Contract> {
    use ContractKind::{Inverse, Linear};
    let mut dated = contract("FI_AAAUSD_260101", Inverse, "AAA:USD", (5, 1), 0, 900, &[(0, 40_000)], 2_003);
    // Opens after the stream begins and closes before it ends.
    dated.spec.opening = Timestamp(OPENED + 20_000_000);
    dated.spec.expiry = Some(Timestamp(OPENED + 400_000_000));
    vec![
        contract(
            "PF_AAAUSD",
            Linear,
            "AAA:USD",
            (1, 0),
            4,
            6_000,
            &[(0, 20_000), (30, 40_000), (200, 100_001)],
            1_000,
        ),
        contract("PF_BBBUSD", Linear, "BBB:USD", (1, 2), 0, 300, &[(0, 333_333)], 500),
        contract(
            "PI_AAAUSD",
            Inverse,
            "AAA:USD",
            (5, 1),
            0,
            2_500,
            &[(0, 20_001), (70, 50_000), (400, 150_001)],
            2_000,
        ),
        contract(
            "PF_CCCUSD",
            Linear,
            "CCC:USD",
            (1, 0),
            3,
            1_500_000,
            &[(0, 10_000), (1_000_000, 20_000), (30_000_000, 50_000)],
            80_000,
        ),
        contract("PF_DDDUSD", Linear, "DDD:USD", (1, 10), -3, 900_000, &[(0, 500_000)], 100_000),
        dated,
        contract("PI_EEEUSD", Inverse, "EEE:USD", (25, 3), -1, 4_000, &[(0, 100_000), (155, 200_000)], 300),
    ]
}

/// One more contract, of a pair that is known (most often) or new and so without an index; perpetual, or with an end that
/// comes soon.
pub(super) fn late_contract(number: u64, now: i64) -> InstrumentSpec {
    let pair = if number.is_multiple_of(4) { "ZZZ:USD" } else { "BBB:USD" };
    let symbol = format!("PF_LATE{number}USD");
    let mut late =
        contract(&symbol, ContractKind::Linear, pair, (1, 2), 1, 500, &[(0, 50_000)], LATE_FAIR).spec;
    // Every third has the finest lots that there are.
    if number.is_multiple_of(3) {
        late.lot_precision = 8;
    }
    match number % 5 {
        0 | 1 => late.expiry = Some(Timestamp(now + 1 + (number % 97) as i64 * 1_000_000)),
        2 => {
            late.opening = Timestamp(now + (number % 13) as i64 * 1_000_000);
            late.expiry = Some(Timestamp(now + 40 * 86_400_000_000));
        }
        _ => {}
    }
    late
}

impl Workload {
    /// The steps before the first order.
    pub(super) fn open_venue(&mut self) -> Vec<Step> {
        let contracts = contracts();
        let fine = |c: &Contract| {
            let tick = i128::from(c.spec.tick_mantissa) * 10_i128.pow(18 - u32::from(c.spec.tick_scale));
            FinePrice(i128::from(c.fair) * tick)
        };
        let mut indexes: Vec<(String, FinePrice)> = vec![];
        for c in &contracts {
            if indexes.iter().all(|(pair, _)| *pair != c.spec.pair) {
                indexes.push((c.spec.pair.clone(), fine(c)));
            }
        }
        let limits = match self.flavor {
            Flavor::Rich => Limits { open_orders: 6, triggers: 6, trailing_stops: 3, ..Limits::default() },
            _ => Limits {
                open_orders: 5,
                triggers: if self.flavor == Flavor::Triggers { 12 } else { 4 },
                trailing_stops: if self.flavor == Flavor::Triggers { 6 } else { 2 },
                small_orders: 2,
                order_value_usd: 2_000,
                price_collar: if self.flavor == Flavor::Margin { 250_000 } else { 30_000 },
                ..Limits::default()
            },
        };
        let pairs = indexes.len() as u16;
        let genesis = Genesis {
            table_seed: self.rng.next_u64(),
            instruments: contracts.iter().map(|c| c.spec.clone()).collect(),
            indexes: indexes.clone(),
            limits,
            pasts: self.pasts(&contracts, &indexes),
        };
        let mut commands = vec![Command::Genesis(Box::new(genesis))];
        for (pair, (_, price)) in (0..pairs).zip(&indexes) {
            // An unpinned index grows old, and the market is suspended until the next one is published.
            if self.chance(92) {
                commands.push(Command::PinIndex { pair: PairId(pair), price: Some(*price) });
            }
        }
        for (id, c) in (0..).zip(&contracts) {
            if self.chance(80) {
                commands.push(Command::PinMark { instrument: InstrumentId(id), price: Some(fine(c)) });
            }
        }
        // A family of three, four strangers, the house.
        for (parent, house) in [
            (None, false),
            (Some(0), false),
            (None, false),
            (None, false),
            (None, true),
            (None, false),
            (None, false),
            (Some(0), false),
        ] {
            commands.push(Command::CreateAccount(CreateAccount { parent: parent.map(AccountId), house }));
        }
        for account in 0..ACCOUNTS as u32 {
            self.fund(account, pairs, &mut commands);
        }
        commands.into_iter().map(|command| Step { time: Timestamp(OPENED), command }).collect()
    }

    /// Pasts of some perpetuals, with rates of the hours before and of the one in which it begins: so large that they are felt, of
    /// either sign.
    fn pasts(&mut self, contracts: &[Contract], indexes: &[(String, FinePrice)]) -> Vec<MarketPast> {
        const HOUR: i64 = 3_600 * Timestamp::SECOND;
        let mut pasts = vec![];
        for (id, Contract { spec, fair }) in (0..).map(InstrumentId).zip(contracts) {
            let index = indexes.iter().find(|(pair, _)| *pair == spec.pair).expect("a price").1;
            let mut rate = |hour| {
                let relative = i128::from(self.rng.below(100_000)) * 10_i128.pow(12) - 5 * 10_i128.pow(16);
                let absolute = match spec.kind {
                    ContractKind::Linear => relative / 10_i128.pow(9) * (index.0 / 10_i128.pow(6)) / 1_000,
                    ContractKind::Inverse => relative * 10_i128.pow(18) / index.0,
                };
                PastRate { hour: Timestamp(hour * HOUR), relative, absolute }
            };
            let rates = vec![rate(OPENED / HOUR - 1), rate(OPENED / HOUR)];
            if spec.expiry.is_none() && self.chance(70) {
                let (price, qty, side, at) = (Price(*fair), Qty(1), Side::Buy, Timestamp(OPENED - 1));
                let last = PastTrade { price, qty, side, at };
                pasts.push(MarketPast { instrument: id, trades: 1, last, mark: index, hours: vec![], rates });
            }
        }
        pasts
    }

    fn fund(&mut self, account: u32, pairs: u16, commands: &mut Vec<Command>) {
        let usd = match self.flavor {
            Flavor::Mixed | Flavor::ReduceOnly | Flavor::Triggers | Flavor::Family | Flavor::Halts => {
                self.pick(&[300, 3_000, 1_000_000])
            }
            Flavor::Poor => self.pick(&[0, 5, 30, 100]),
            Flavor::Margin => self.pick(&[2, 6, 15, 40, 1_000]),
            Flavor::Rich => self.pick(&[1_000_000, 100_000_000, 1_000_000_000]),
        };
        let mut give = |wallet, currency, amount| {
            let account = AccountId(account);
            commands.push(Command::Deposit(Deposit { account, wallet, currency, amount: Money(amount) }));
        };
        if usd > 0 {
            give(Wallet::Flex, Currency::USD, i128::from(usd) * Money::ONE);
            for pair in 0..pairs {
                let base =
                    Currency::parse(["AAA", "BBB", "CCC", "DDD", "EEE"][pair as usize]).expect("a code");
                // Pairs without an inverse contract have no such wallet; both must say so.
                give(Wallet::Inverse(PairId(pair)), base, i128::from(usd) * Money::ONE / 500);
            }
        }
    }
}
