//! A hundred thousand accounts that a mark concerns, the marks of a second, or the end of an hour; and ten thousand whose contract ends.

use crate::{Done, SECOND, Venue, accounts, mark, order, submit_all};
use loligo_engine::{
    AccountId, Command, Currency, Deposit, Exchange, FinePrice, InstrumentId, Money, PairId, Side, Timestamp,
    Wallet,
};
use loligo_server::config::MarketKind;

/// Everyone who holds something, and is far from liquidation.
const HOLDERS: u32 = 100_000;
/// Those whose contract ends.
const ENDING: u32 = 10_000;
/// What one of them has in a contract, in lots.
const LOTS: i64 = 10;
const USD: i128 = 1_000_000;
/// Of the base currency of an inverse contract.
const BASE: i128 = 100_000;
/// Times that marks move, one after the other.
const MOVES: u32 = 20;
const HOUR: i64 = 3_600 * SECOND;

/// A contract as a crowd needs to know it.
#[derive(Clone, Debug)]
struct Contract {
    id: InstrumentId,
    pair: PairId,
    /// At its mark, in ticks.
    price: i64,
    index: FinePrice,
    expiry: Option<Timestamp>,
    /// Which wallet margins it when that is not the flex wallet, and in what.
    inverse: Option<(Wallet, Currency)>,
}

fn contracts(exchange: &Exchange) -> Vec<Contract> {
    let known = exchange.instruments().filter_map(|(id, instrument)| {
        let market = exchange.market(id)?;
        let settlement = instrument.settlement();
        Some(Contract {
            id,
            pair: instrument.pair(),
            price: instrument.ticks_floor(market.mark?).0,
            index: market.index?,
            expiry: instrument.spec().expiry,
            inverse: (settlement != Currency::USD).then(|| (Wallet::Inverse(instrument.pair()), settlement)),
        })
    });
    known.collect()
}

/// Everyone gets what their contracts are margined in, then each second one sells to the next. `held` says which contracts a
/// pair of traders has.
async fn trade(
    venue: &Venue,
    crowd: &[AccountId],
    listed: &[Contract],
    held: impl Fn(usize) -> Vec<usize>,
) -> Done {
    let (mut money, mut orders) = (Vec::new(), Vec::new());
    for (number, pair) in crowd.chunks(2).enumerate() {
        for contract in held(number).into_iter().map(|at| &listed[at]) {
            let mut sides = [Side::Sell, Side::Buy].into_iter();
            for (account, side) in pair.iter().zip(&mut sides) {
                if let Some((wallet, currency)) = contract.inverse {
                    let amount = Money(BASE * Money::ONE);
                    money.push(Command::Deposit(Deposit { account: *account, wallet, currency, amount }));
                }
                orders.push(order(*account, contract.id, side, LOTS, contract.price, None));
            }
        }
    }
    submit_all(venue.node.handle(), money).await?;
    submit_all(venue.node.handle(), orders).await?;
    Ok(())
}

/// How many positions there are in some contracts.
async fn positions(venue: &Venue, crowd: &[AccountId]) -> Done<usize> {
    let crowd = crowd.to_vec();
    let count = move |exchange: &Exchange| -> usize {
        crowd.iter().map(|account| exchange.positions(*account).len()).sum()
    };
    Ok(venue.node.handle().query(count).await?)
}

/// A mark that everyone holds, and the end of an hour for which everyone is booked.
pub async fn one_contract() -> Done {
    let venue = Venue::open(MarketKind::None).await?;
    let handle = venue.node.handle();
    submit_all(handle, [mark(80_000)]).await?;
    let house = accounts(&venue.node, 1, 10_000_000_000, true).await?[0];
    let crowd = accounts(&venue.node, HOLDERS, USD, false).await?;
    let listed = handle.query(contracts).await?;
    trade(&venue, &crowd, &listed, |_| vec![0]).await?;
    let held = positions(&venue, &crowd).await?;

    // A premium of a quarter of a per cent, for a whole hour: from then on all of them accrue funding.
    let quotes = [(Side::Buy, 80_190), (Side::Sell, 80_210)];
    let quotes = quotes.map(|(side, limit)| order(house, listed[0].id, side, 100_000, limit, None));
    submit_all(handle, quotes).await?;
    to_the_end_of_the_hour(&venue, 0).await?;
    to_the_end_of_the_hour(&venue, SECOND).await?;
    let hour = venue.advance(SECOND);
    venue.measure(&format!("an hour that ends for {held} holders"), 1, hour).await?;

    venue.advance(HOUR / 2).await?;
    let moves = async {
        for up in 0..MOVES {
            submit_all(handle, [mark(80_001 + i128::from(up % 2))]).await?;
        }
        Ok(())
    };
    venue.measure(&format!("a mark that {held} accounts hold"), MOVES, moves).await
}

/// All marks of the default listing, at one second: each account holds one contract of it or two.
pub async fn all_contracts() -> Done {
    let venue = Venue::open(MarketKind::None).await?;
    let handle = venue.node.handle();
    let crowd = accounts(&venue.node, HOLDERS, USD, false).await?;
    let listed = handle.query(contracts).await?;
    let held = |number: usize| {
        let first = number % listed.len();
        let second = number.is_multiple_of(3).then_some((number + 7) % listed.len());
        std::iter::once(first).chain(second).collect()
    };
    trade(&venue, &crowd, &listed, held).await?;
    let held = positions(&venue, &crowd).await?;
    let mut pairs: Vec<(PairId, FinePrice)> = listed.iter().map(|of| (of.pair, of.index)).collect();
    pairs.dedup_by_key(|(pair, _)| *pair);
    let second = async {
        for up in 0..MOVES {
            // One part in ten thousand.
            let price = |index: FinePrice| FinePrice(index.0 + i128::from(up % 2) * index.0 / 10_000);
            let publish = |(pair, index): &(PairId, FinePrice)| Command::PublishIndex {
                pair: *pair,
                price: price(*index),
            };
            submit_all(handle, pairs.iter().map(publish)).await?;
            venue.advance(SECOND).await?;
        }
        Ok(())
    };
    let what = format!("the {} marks of a second, {held} positions of {HOLDERS} accounts", listed.len());
    venue.measure(&what, MOVES, second).await
}

/// A contract that comes to its end, with ten thousand positions.
pub async fn expiry() -> Done {
    let venue = Venue::open(MarketKind::None).await?;
    let handle = venue.node.handle();
    let crowd = accounts(&venue.node, ENDING, USD, false).await?;
    let listed = handle.query(contracts).await?;
    let first = listed
        .iter()
        .enumerate()
        .filter(|(_, contract)| contract.inverse.is_none())
        .filter_map(|(at, contract)| Some((contract.expiry?, at)))
        .min();
    let (expiry, at) = first.ok_or("a linear contract that expires")?;
    trade(&venue, &crowd, &listed, |_| vec![at]).await?;
    venue.advance(expiry.0 - handle.now().0 - SECOND).await?;
    let before = positions(&venue, &crowd).await?;
    let end = venue.advance(SECOND);
    venue.measure(&format!("the end of a contract with {before} positions"), 1, end).await?;
    println!("  {} positions after", positions(&venue, &crowd).await?);
    Ok(())
}

/// Moves the clock to so long before the end of its hour, or of the next when it stands at one.
async fn to_the_end_of_the_hour(venue: &Venue, before: i64) -> Done {
    let now = venue.node.handle().now().0;
    let end = (now.div_euclid(HOUR) + 1) * HOUR - before;
    venue.advance(end - now).await
}
