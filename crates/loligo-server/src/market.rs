//! The house's own participants: a moving index for every pair, and for every contract a maker that keeps a deep book
//! around it and a taker that trades against whatever stands at the touch.
//!
//! The writer steps the house market once a second of exchange time: takers trade, then makers quote. A step is a function of seed, second and the exchange as
//! it stands; the house market keeps nothing from one step to the next, so there is nothing of it to store. Its commands are
//! journaled like anyone's, and replay takes them from there without stepping the house market.
//!
//! A contract that is listed in the instant in which another expires takes over its seats, so that dated contracts that
//! follow each other for years need no more accounts, and are quoted from their first second on.
//!
//! Known lies: nobody here has an opinion, learns, or leaves; a contract's takers come like a clock.

pub(crate) mod dice;
mod index;
pub(crate) mod maker;
mod money;
mod taker;

#[cfg(test)]
mod tests;

use dice::Dice;
use loligo_engine::{
    AccountId, Command, CreateAccount, Exchange, FinePrice, Instrument, InstrumentId, MAX_LOTS, MarketState,
    Money, Price, Timestamp,
};
use std::collections::BTreeSet;

/// The house market: who sits where follows from the exchange itself.
pub struct HouseMarket {
    seed: u64,
    /// Where each pair's index began, and returns to.
    anchors: Vec<(String, FinePrice)>,
    /// House accounts in order: maker and taker of the first pair of seats, of the second, and so on.
    accounts: Vec<AccountId>,
    /// Which pair of seats each contract has, in order of id.
    places: Vec<usize>,
    /// Accounts looked at so far, so that the search for seats does not begin anew each second.
    looked: u32,
}

/// A contract's two participants.
#[derive(Clone, Copy)]
struct Participants {
    instrument: InstrumentId,
    maker: AccountId,
    taker: AccountId,
}

impl HouseMarket {
    /// One that has stepped nowhere yet. `anchors` are the first index prices by pair name.
    pub fn new(seed: u64, anchors: &[(String, FinePrice)]) -> Self {
        Self { seed, anchors: anchors.to_vec(), accounts: Vec::new(), places: Vec::new(), looked: 0 }
    }

    /// What the takers do in this second, against the books as they stand.
    pub fn trade(&mut self, second: i64, now: Timestamp, exchange: &Exchange) -> Vec<Command> {
        let mut commands = Vec::new();
        for (participants, fair) in self.trading(now, exchange) {
            // After a while down the index is too old to trade on until the makers' part has published a new one.
            if exchange.market(participants.instrument).is_none_or(|market| market.state != MarketState::Open)
            {
                continue;
            }
            let dice = Dice::new(self.seed, second, u64::from(participants.instrument.0));
            taker::trade(participants, second, fair, dice, exchange, &mut commands);
        }
        commands
    }

    /// The new index of every pair; then everyone to their seats, money where it runs low, and the books to where they
    /// should be. Comes after [`HouseMarket::trade`] has taken effect, so that what was taken is there again at once.
    pub fn quote(&mut self, second: i64, now: Timestamp, exchange: &Exchange) -> Vec<Command> {
        let mut commands = Vec::new();
        index::publish(self.seed, second, &self.anchors, exchange, &mut commands);
        let trading = self.trading(now, exchange);
        for _ in self.accounts.len()..self.wanted_participants() {
            commands.push(Command::CreateAccount(CreateAccount { parent: None, house: true }));
        }
        for (participants, fair) in trading {
            money::top_up(participants, exchange, &mut commands);
            maker::quote(participants, fair, exchange, &mut commands);
        }
        commands
    }

    /// True once every contract has its maker and its taker.
    pub(crate) fn is_staffed(&mut self, exchange: &Exchange) -> bool {
        self.find_participants(exchange);
        self.accounts.len() >= self.wanted_participants()
    }

    fn wanted_participants(&self) -> usize {
        self.places.iter().max().map_or(0, |last| (last + 1) * 2)
    }

    /// The seats of all contracts that can be traded now, and the price around which each trades.
    fn trading(&mut self, now: Timestamp, exchange: &Exchange) -> Vec<(Participants, i64)> {
        self.find_participants(exchange);
        let seated = exchange
            .instruments()
            .zip(&self.places)
            .filter_map(|((instrument, _), place)| {
                Some((instrument, self.accounts.chunks_exact(2).nth(*place)?))
            })
            .map(|(instrument, pair)| Participants { instrument, maker: pair[0], taker: pair[1] });
        seated
            .filter(|participants| is_quoted(participants.instrument, exchange))
            .filter_map(|participants| {
                Some((participants, maker::fair_price(participants.instrument, now, exchange)?))
            })
            .collect()
    }

    fn find_participants(&mut self, exchange: &Exchange) {
        while let Some(account) = exchange.account(AccountId(self.looked)) {
            if account.house {
                self.accounts.push(account.id);
            }
            self.looked += 1;
        }
        if self.places.len() < exchange.instruments().count() {
            self.places = places(exchange);
        }
    }
}

/// Which pair of seats each contract has: that of one that expired when it opened, or one of its own.
fn places(exchange: &Exchange) -> Vec<usize> {
    let mut left: BTreeSet<(Timestamp, usize)> = BTreeSet::new();
    let (mut places, mut taken) = (Vec::new(), 0);
    for (_, instrument) in exchange.instruments() {
        let spec = instrument.spec();
        let place = match left.range((spec.opening, 0)..=(spec.opening, usize::MAX)).next().copied() {
            Some(inherited) => {
                left.remove(&inherited);
                inherited.1
            }
            None => {
                taken += 1;
                taken - 1
            }
        };
        left.extend(spec.expiry.map(|expiry| (expiry, place)));
        places.push(place);
    }
    places
}

/// So many lots of a contract are worth about `usd` at a price of so many ticks; at least one.
fn lots_worth(instrument: &Instrument, usd: i128, ticks: i64) -> i64 {
    let one = instrument.notional(1, Price(ticks)).0.max(1);
    i64::try_from(usd * Money::ONE / one).unwrap_or(i64::MAX).clamp(1, MAX_LOTS)
}

/// The house quotes where its orders are taken, or will be once the index of this very second is there. While the operator halts a
/// contract or lets nothing but post-only orders in, and from a delisting on, what it has there stands as it is: nothing trades, so there
/// is nothing to follow.
fn is_quoted(id: InstrumentId, exchange: &Exchange) -> bool {
    let (Some(instrument), Some(market)) = (exchange.instrument(id), exchange.market(id)) else {
        return false;
    };
    // Of a perpetual an end is known once it is delisted.
    let is_delisted = instrument.spec().expiry.is_none() && market.ends_at.is_some();
    let is_open_but_for_its_index = matches!(market.state, MarketState::Open | MarketState::Suspended);
    market.trading == MarketState::Open && is_open_but_for_its_index && !is_delisted
}
