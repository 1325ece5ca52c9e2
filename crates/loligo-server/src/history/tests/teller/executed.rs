//! What a match of two orders came to.

use super::*;

impl Teller {
    pub(super) fn executed(
        &mut self,
        execution: &loligo_engine::Execution,
        before: &[Event],
        events: &[Event],
    ) {
        let taker_id = execution.taker.order;
        // How the taker came, in this record: placed, fired, or edited.
        let came = before.iter().rev().find_map(|event| match event {
            Event::Placed { order, reduced } | Event::Fired { order, reduced } if order.id == taker_id => {
                Some((None, reduced))
            }
            Event::Edited { change, reduced } if change.order.id == taker_id => {
                Some((Some(&change.prior), reduced))
            }
            _ => None,
        });
        let (old_taker, cut) = came.map_or((None, None), |(old, cut)| (old, cut.map(|by| by.0)));
        for (told, kind) in
            [(old_taker.is_some(), "old taker"), (cut.is_some_and(|by| by > 0), "taker reduced")]
        {
            if told {
                self.kinds.insert(kind.to_owned());
            }
        }
        let (now, contract) = (ms(execution.at), u32::from(execution.instrument.0));
        let [maker, taker] =
            [&execution.maker, &execution.taker].map(|fill| self.orders[&fill.order.0].clone());
        let side = |order: &OrderView| rows::SideDetails {
            number: order.id.0,
            kind: kind(order, events),
            reduce_only: order.reduce_only,
            open: order.open_qty().0,
            placed_ago: (now - ms(order.placed_at)) as u64,
            updated_ago: (now - ms(order.updated_at)) as u64,
        };
        let mark = execution.mark.map(|mark| fine_price(mark).normalized());
        // In cents, half to even: the USD are counted in 1e-11.
        let exact = execution.usd_value.0;
        let (whole, rest) = (exact.div_euclid(1_000_000_000), exact.rem_euclid(1_000_000_000));
        let usd_cents = whole + i128::from(rest > 500_000_000 || rest == 500_000_000 && whole % 2 != 0);
        let row = rows::PublicExecution {
            number: execution.id.0,
            sell: execution.taker_side == Side::Sell,
            qty: execution.qty.0,
            price: execution.price.0,
            usd_cents: usd_cents as i64,
            mark: mark.map_or(0, |mark| mark.mantissa() as i64),
            mark_scale: mark.map_or(0, |mark| mark.scale() as u8),
            details: rows::TradeDetails {
                maker: side(&maker),
                taker: side(&taker),
                taker_improved: taker.limit_price.map_or(0, |limit| limit.0 - execution.price.0),
                old_taker: old_taker.map(|old| earlier_public(old, now)),
                taker_reduced: cut,
            },
        };
        self.tell(contract, execution.at, row.into());

        for (is_maker, order) in [(true, maker), (false, taker)] {
            let fill = if is_maker { &execution.maker } else { &execution.taker };
            let into_pool = fill.liquidation_fee.0;
            let account = fill.account.0;
            let own = |of_taker: bool| if is_maker { None } else { Some(of_taker) };
            let row = rows::Execution {
                number: execution.id.0,
                contract,
                maker: is_maker,
                qty: execution.qty.0,
                price: execution.price.0,
                mark: execution.mark.map(|mark| fine_price(mark).to_string()),
                usd_value: format!("{}.{:02}", usd_cents / 100, usd_cents % 100),
                limit_filled: execution.maker.filled_before.0 + execution.qty.0 == execution.maker.qty.0,
                order: order_row(&order, events),
                old: own(true).and(old_taker).map(earlier),
                reduced: own(true).and(cut),
                fee: money(fill.fee).to_string(),
                fee_rate: i64::from(fill.fee_rate),
                realized_pnl: money(fill.realized_pnl).to_string(),
                position: fill.position,
            };
            // The last places of a round sum of USD are not written.
            let row = rows::Execution { usd_value: shortened(&row.usd_value), ..row };
            self.tell_own(account, execution.at, row);

            let mut filled = order.clone();
            filled.filled = Qty(order.filled.0 + execution.qty.0);
            filled.updated_at = execution.at;
            let full = filled.qty == Some(filled.filled);
            filled.reason = Some(if full { UpdateReason::FullFill } else { UpdateReason::PartialFill });
            // A market order, too, is told at its price; nobody's refusal is noted on a fill.
            filled.error = None;
            let beside = Beside { old: Some(&order), ..Beside::default() };
            self.order(kinds::UPDATED, &filled, events, beside);
            self.orders.insert(order.id.0, filled);

            let instrument = self.contracts[usize::from(execution.instrument.0)].clone();
            let spec = instrument.spec();
            let signed = if order.side == Side::Buy { execution.qty.0 } else { -execution.qty.0 };
            let (was, is) = (fill.position - signed, fill.position);
            let average = |lots: i64, entry| {
                (lots != 0).then(|| fine_price(instrument.average_price(lots, entry)).to_string())
            };
            let old_entry = average(was, fill.entry_before);
            let new_entry = if is == 0 { old_entry.clone() } else { average(is, fill.entry) };
            let at_price = price(execution.price, spec).to_string();
            let row = rows::PositionUpdate {
                cause: 0,
                contract,
                old_position: was,
                new_position: is,
                old_entry: old_entry.clone(),
                new_entry: new_entry.clone(),
                opened_ms: fill.opened_at.map(ms),
                fee: money(fill.fee).to_string(),
                realized_pnl: money(fill.realized_pnl).to_string(),
                realized_funding: money(fill.realized_funding).to_string(),
                currency: execution.currency.code().to_owned(),
                execution: Some(execution.id.0),
                price: Some(at_price.clone()),
                qty: Some(execution.qty.0),
                role: Some(code(fill.role, FillRole::STORED_CODES)),
            };
            self.tell_own(account, execution.at, row);

            let info = match fill.role {
                FillRole::Liquidation => "futures liquidation",
                FillRole::PartialLiquidation => "futures partial liquidation",
                FillRole::CoveredLiquidation => "covered liquidation",
                FillRole::Assignor => "futures assignor",
                FillRole::Assignee => "futures assignee",
                FillRole::UnwindBankrupt => "futures unwind bankrupt",
                FillRole::UnwindCounterparty => "futures unwind counterparty",
                _ => "futures trade",
            };
            let leg = rows::AccountLogEntry {
                number: fill.log,
                info: info.to_owned(),
                wallet: self.wallet(execution.wallet),
                contract: Some(contract),
                collateral: Some(execution.currency.code().to_lowercase()),
                execution: Some(execution.id.0),
                trade_price: Some(at_price),
                mark: execution.mark.map(|mark| fine_price(mark).to_string()),
                ..nothing_logged()
            };
            let lots = |lots: i64| size(Qty(lots), spec).to_string();
            let of_position = rows::AccountLogEntry {
                asset: spec.symbol.to_lowercase(),
                old_balance: lots(was),
                new_balance: lots(is),
                old_entry,
                new_entry,
                ..leg.clone()
            };
            self.tell_own(account, execution.at, of_position);
            // What is paid in another currency has a third row, and is not in the second.
            let here = if fill.gain.is_some() { 0 } else { fill.realized_pnl.0 };
            let booked = here - fill.fee.0 + fill.realized_funding.0 - into_pool;
            let of_money = rows::AccountLogEntry {
                number: fill.log + 1,
                asset: execution.currency.code().to_lowercase(),
                old_balance: money(Money(fill.balance.0 - booked)).to_string(),
                new_balance: money(fill.balance).to_string(),
                realized_pnl: Some(money(Money(here)).to_string()),
                fee: Some(money(fill.fee).to_string()),
                realized_funding: Some(money(fill.realized_funding).to_string()),
                liquidation_fee: (into_pool != 0).then(|| money(Money(into_pool)).to_string()),
                ..leg
            };
            let of_gain = fill.gain.as_deref().map(|gain| super::money::gain_row(gain, &of_money));
            self.tell_own(account, execution.at, of_money);
            if let Some(row) = of_gain {
                self.kinds.insert("gain in another currency".to_owned());
                self.tell_own(account, execution.at, row);
            }
        }
    }
}
