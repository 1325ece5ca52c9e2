//! What is listed when a dated contract expires.

use super::calendar::{Maturity, Roll, maturities};
use super::figures;
use loligo_engine::{Command, Exchange, InstrumentId, InstrumentSpec, MarketState, Timestamp};
use std::collections::BTreeMap;

/// What a venue lists next, and when: the instant of an expiry, or the present one where a contract is missing already.
///
/// It follows from the exchange as it stands, so that a roll is neither forgotten nor done twice, however long nobody
/// looked. Every contract that rolls asks for one place of its kind in its series, for good; `rolls` names those of an
/// instruments file and of the operator. The series of the default listing are known by name.
pub fn next_listing(
    exchange: &Exchange,
    default_listing: bool,
    rolls: &BTreeMap<InstrumentId, Roll>,
) -> Option<(Timestamp, Vec<Command>)> {
    let mut next: Option<(Timestamp, Vec<Command>)> = None;
    for (at, listings) in all_series(exchange, default_listing, rolls).filter_map(|s| s.next(exchange.now()))
    {
        match &mut next {
            Some((first, together)) if *first == at => together.extend(listings),
            Some((first, _)) if *first < at => {}
            _ => next = Some((at, listings)),
        }
    }
    next
}

/// Contracts that differ in nothing but their maturity.
#[derive(Default)]
struct Series<'e> {
    name: &'e str,
    /// Sorted.
    kinds: Vec<Roll>,
    /// The first contract that rolls, if any does: those that follow have its figures.
    founder: Option<&'e InstrumentSpec>,
    members: Vec<Member<'e>>,
}

struct Member<'e> {
    symbol: &'e str,
    expiry: Timestamp,
    expired: bool,
}

/// All series, in order of their names.
fn all_series<'e>(
    exchange: &'e Exchange,
    default_listing: bool,
    rolls: &BTreeMap<InstrumentId, Roll>,
) -> impl Iterator<Item = Series<'e>> {
    let mut by_name: BTreeMap<&str, Series<'_>> = BTreeMap::new();
    for (id, instrument) in exchange.instruments() {
        let spec = instrument.spec();
        let (Some(expiry), Some((name, _))) = (spec.expiry, spec.symbol.rsplit_once('_')) else { continue };
        let series = by_name.entry(name).or_default();
        if default_listing && series.members.is_empty() && !figures::kinds(name).is_empty() {
            series.kinds.extend(figures::kinds(name));
            series.founder = Some(spec);
        }
        if let Some(roll) = rolls.get(&id) {
            series.kinds.push(*roll);
            series.founder.get_or_insert(spec);
        }
        let expired = exchange.market(id).is_some_and(|market| market.trading == MarketState::Expired);
        series.members.push(Member { symbol: &spec.symbol, expiry, expired });
    }
    by_name.into_iter().map(|(name, mut series)| {
        series.name = name;
        series.kinds.sort_unstable();
        series
    })
}

impl Series<'_> {
    /// The first instant from `now` on at which contracts are missing, and which.
    fn next(&self, now: Timestamp) -> Option<(Timestamp, Vec<Command>)> {
        let open = self.members.iter().filter(|member| !member.expired);
        let mut instants: Vec<Timestamp> = open.map(|member| member.expiry.max(now)).collect();
        instants.push(now);
        instants.sort_unstable();
        instants.into_iter().find_map(|at| {
            let missing = self.missing(at);
            (!missing.is_empty()).then_some((at, missing))
        })
    }

    /// What is to be listed at `at`, when everything that expires by then has. Nothing before the first expiry: a series
    /// begins as it was written.
    fn missing(&self, at: Timestamp) -> Vec<Command> {
        let gone = |member: &Member<'_>| member.expired || member.expiry <= at;
        let Some(founder) = self.founder.filter(|_| self.members.iter().any(gone)) else { return Vec::new() };
        let member = |maturity: &Maturity| {
            let symbol = maturity.symbol(self.name);
            self.members.iter().find(|member| member.symbol == symbol)
        };
        let used = |maturity: &Maturity| member(maturity).is_some_and(gone);
        let wanted = maturities(&self.kinds, at, founder.kind, used).unwrap_or_default();
        let missing = wanted.into_iter().filter(|maturity| member(maturity).is_none());
        missing
            .map(|maturity| {
                Command::List(Box::new(InstrumentSpec {
                    symbol: maturity.symbol(self.name),
                    opening: at,
                    expiry: Some(maturity.expiry),
                    ..founder.clone()
                }))
            })
            .collect()
    }
}
