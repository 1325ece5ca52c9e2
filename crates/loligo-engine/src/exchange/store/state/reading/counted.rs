//! What is counted: funding that accrues, numbers that clients see.

use super::super::{Numbers, StoredFunding};
use super::{ORDERS_MAX, Reading, damaged, there};
use crate::exchange::{CodecError, Exchange, hour_of};
use crate::funding::HOUR;
use crate::id::Timestamp;

impl Reading {
    /// What positions have accrued, and since when.
    pub(super) fn fund(&mut self, stored: &StoredFunding) -> Result<(), CodecError> {
        let StoredFunding { hour, contracts, positions, next: _ } = stored;
        let exchange = &mut self.exchange;
        let (now, present) = (exchange.now, hour_of(exchange.now));
        exchange.funded = hour.unwrap_or(present);
        // That of the present instant may be still to come; there is none before a genesis.
        let fits = !exchange.born || (present - 1..=present).contains(&exchange.funded);
        there(fits, "the hour last booked")?;
        there(contracts.is_empty() || contracts.len() == exchange.markets.len(), "the number of fundings")?;
        for (market, funding) in exchange.markets.iter_mut().zip(contracts) {
            let fits = funding.as_ref().is_none_or(|funding| funding.fits(&market.instrument));
            there(fits && funding.is_some() == market.funding.is_some(), "a contract's funding")?;
            market.funding.clone_from(funding);
        }
        for slot in exchange.positions.slots() {
            let position = &mut exchange.positions[slot];
            (position.funded_at, position.counted_at) = (now, now);
        }
        // Those that are still to be booked have accrued since the hour before.
        let since = Timestamp(exchange.funded.saturating_sub(1).saturating_mul(HOUR));
        for (account, id, funded_at, counted_at) in positions {
            let slot = exchange.markets.get(*id).and_then(|market| market.position_of(*account));
            let slot = slot.ok_or_else(|| damaged("a position that accrues"))?;
            let inside = since <= *funded_at && funded_at <= counted_at && *counted_at <= now;
            there(inside, "since when a position accrues")?;
            let position = &mut exchange.positions[slot];
            (position.funded_at, position.counted_at) = (*funded_at, *counted_at);
        }
        if exchange.born {
            exchange.await_funding();
        }
        exchange.note_rates();
        Ok(())
    }

    pub(super) fn number(&mut self, numbers: Numbers) -> Result<(), CodecError> {
        let Numbers { accounts: counted, contracts, opened } = numbers;
        let Exchange { accounts, markets, positions, now, .. } = &mut self.exchange;
        there(counted.is_empty() || counted.len() == accounts.len(), "the number of numbered accounts")?;
        there(contracts.is_empty() || contracts.len() == markets.len(), "the number of numbered contracts")?;
        for (account, (fills, log)) in accounts.iter_mut().zip(counted) {
            there(fills.max(log) <= ORDERS_MAX, "the number of fills")?;
            (account.fills, account.log) = (fills, log);
        }
        for (market, (levels, trades)) in markets.iter_mut().zip(contracts) {
            there(levels.max(trades) <= ORDERS_MAX, "the number of trades")?;
            (market.levels, market.trades) = (levels, trades);
        }
        for (account, instrument, at) in opened {
            let slot = markets.get(instrument).and_then(|market| market.position_of(account));
            let position = slot.and_then(|slot| positions.get_mut(slot));
            let position = position.filter(|position| position.size != 0 && (0..=now.0).contains(&at.0));
            position.ok_or_else(|| damaged("a size's opening"))?.opened_at = Some(at);
        }
        Ok(())
    }
}
