//! Engine and model agree on money through short lives of small venues, each with a funding hour, a crash and the end of contracts.
//! `LOLIGO_SEED=n` lives one of them alone; `cargo xtask sim opinion` lives very many.

use loligo_sim::opinion::{live, live_many};

/// Commands of the suite.
const COMMANDS: u64 = 10_000;

#[test]
fn engine_and_model_agree_on_money_through_every_short_life() {
    if let Ok(seed) = std::env::var("LOLIGO_SEED") {
        let lived = live(seed.parse().expect("LOLIGO_SEED is a number"));
        return lived.map(drop).unwrap_or_else(|failure| panic!("{failure}"));
    }
    let met = live_many(0, COMMANDS, |_| {}).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(met.missing(), Vec::<&str>::new(), "{}", met.table());
}
