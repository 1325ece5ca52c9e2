//! The house's own participants: a moving index for every pair, and for every contract a maker that keeps a deep book
//! around it and a taker that trades against whatever stands at the touch.
//!
//! The writer steps the room once a second of exchange time. A step is a function of seed, second and the exchange as
//! it stands; the room keeps nothing from one step to the next, so there is nothing of it to store. Its commands are
//! journaled like anyone's, and replay takes them from there without stepping the room.
//!
//! Known lies: nobody here has an opinion, learns, or leaves; a contract's takers come like a clock.

mod dice;
mod index;
mod maker;
mod money;
mod taker;

use dice::Dice;
use loligo_engine::{
    AccountId, Command, CreateAccount, Exchange, FinePrice, Instrument, InstrumentId, MAX_LOTS, MarketState,
    Price, Timestamp,
};

/// The room: who sits where follows from the exchange itself.
pub(crate) struct Room {
    seed: u64,
    /// Where each pair's index began, and returns to.
    anchors: Vec<(String, FinePrice)>,
    /// House accounts in order: maker and taker of the first contract, of the second, and so on.
    seats: Vec<AccountId>,
    /// Accounts looked at so far, so that the search for seats does not begin anew each second.
    looked: u32,
}

/// A contract's two participants.
#[derive(Clone, Copy)]
struct Seat {
    instrument: InstrumentId,
    maker: AccountId,
    taker: AccountId,
}

impl Room {
    pub(crate) fn new(seed: u64, anchors: &[(String, FinePrice)]) -> Self {
        Self { seed, anchors: anchors.to_vec(), seats: Vec::new(), looked: 0 }
    }

    /// What the house does in this second. The commands take effect in order, with nothing between them.
    pub(crate) fn step(&mut self, second: i64, now: Timestamp, exchange: &Exchange) -> Vec<Command> {
        let mut commands = Vec::new();
        index::publish(self.seed, second, &self.anchors, exchange, &mut commands);
        self.find_seats(exchange);
        let contracts = exchange.instruments().count();
        for _ in self.seats.len()..contracts * 2 {
            commands.push(Command::CreateAccount(CreateAccount { parent: None, house: true }));
        }
        for (number, pair) in self.seats.chunks_exact(2).take(contracts).enumerate() {
            let seat = Seat { instrument: InstrumentId(number as u16), maker: pair[0], taker: pair[1] };
            let open = exchange.market(seat.instrument).is_some_and(|m| m.state != MarketState::Closed);
            if let (true, Some(fair)) = (open, maker::fair_price(seat.instrument, now, exchange)) {
                money::top_up(seat, exchange, &mut commands);
                maker::quote(seat, fair, exchange, &mut commands);
                let dice = Dice::new(self.seed, second, number as u64);
                taker::trade(seat, second, fair, dice, exchange, &mut commands);
            }
        }
        commands
    }

    fn find_seats(&mut self, exchange: &Exchange) {
        while let Some(account) = exchange.account(AccountId(self.looked)) {
            if account.house {
                self.seats.push(account.id);
            }
            self.looked += 1;
        }
    }
}

/// So many lots of a contract are worth about `usd` at a price of so many ticks; at least one.
fn lots_worth(instrument: &Instrument, usd: i128, ticks: i64) -> i64 {
    let one = instrument.notional(1, Price(ticks)).0.max(1);
    i64::try_from(usd * 10_i128.pow(24) / one).unwrap_or(i64::MAX).clamp(1, MAX_LOTS)
}
