//! What the end of a contract did to a position and its wallet.

use super::money::gain_row;
use super::{Teller, nothing_logged};
use crate::grid::{fine_price, money, size};
use loligo_engine::{Money, Qty, Settlement};
use loligo_history::rows::{self, causes};

impl Teller {
    pub(super) fn settled(&mut self, settlement: &Settlement) {
        let contract = u32::from(settlement.instrument.0);
        let listed = &self.contracts[contract as usize];
        let entry = listed.average_price(settlement.closed, settlement.entry);
        let entry = Some(fine_price(entry).to_string());
        // Eleven decimals, all of them: prices are counted in 1e-18.
        let (code, price) =
            (settlement.currency.code(), money(Money(settlement.price.0 / 10_000_000)).to_string());
        let lots = size(Qty(settlement.closed), listed.spec()).to_string();
        let none = size(Qty(0), listed.spec()).to_string();
        let symbol = listed.spec().symbol.to_lowercase();
        let [pnl, funding, fee] = [settlement.realized_pnl, settlement.realized_funding, settlement.fee];
        let update = rows::PositionUpdate {
            cause: causes::SETTLEMENT,
            contract,
            old_position: settlement.closed,
            new_position: 0,
            old_entry: entry.clone(),
            new_entry: entry.clone(),
            opened_ms: settlement.opened_at.map(|at| at.0.div_euclid(1_000)),
            fee: money(fee).to_string(),
            realized_pnl: money(pnl).to_string(),
            realized_funding: money(funding).to_string(),
            currency: code.to_owned(),
            execution: Some(settlement.execution.0),
            price: Some(price.clone()),
            qty: None,
            role: None,
        };
        self.tell_own(settlement.account.0, settlement.at, update);
        let leg = |number, asset: &str, old_balance, new_balance| rows::AccountLogEntry {
            number,
            info: "settlement".to_owned(),
            asset: asset.to_owned(),
            wallet: self.wallet(settlement.wallet),
            old_balance,
            new_balance,
            contract: Some(contract),
            collateral: Some(code.to_lowercase()),
            execution: Some(settlement.execution.0),
            trade_price: Some(price.clone()),
            mark: settlement.mark.map(|mark| fine_price(mark).to_string()),
            ..nothing_logged()
        };
        let of_position = rows::AccountLogEntry {
            old_entry: entry.clone(),
            new_entry: entry,
            ..leg(settlement.log, &symbol, lots, none)
        };
        let after = settlement.balance.0;
        let here = if settlement.gain.is_some() { Money::ZERO } else { pnl };
        let before = Money(after - here.0 - funding.0 + fee.0);
        let (before, after) = (money(before).to_string(), money(Money(after)).to_string());
        let of_cash = rows::AccountLogEntry {
            realized_pnl: Some(money(here).to_string()),
            fee: Some(money(fee).to_string()),
            realized_funding: Some(money(funding).to_string()),
            ..leg(settlement.log + 1, &code.to_lowercase(), before, after)
        };
        self.tell_own(settlement.account.0, settlement.at, of_position);
        let of_gain = settlement.gain.as_deref().map(|gain| gain_row(gain, &of_cash));
        self.tell_own(settlement.account.0, settlement.at, of_cash);
        if let Some(row) = of_gain {
            self.kinds.insert("settled in another currency".to_owned());
            self.tell_own(settlement.account.0, settlement.at, row);
        }
    }
}
