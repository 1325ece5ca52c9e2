//! Orders and edits as clients might send them, sensible and not.

use super::{Flavor, Workload, venue};
use crate::model::Model;
use loligo_engine::{
    ClientOrderId, EditOrder, InstrumentId, MAX_LOTS, MAX_TICKS, OnGrid, OrderRef, OrderStatus, OrderType,
    PlaceOrder, QtyMode, Side, Timestamp, TriggerKind,
};

impl Workload {
    pub(super) fn place(&mut self, model: &Model) -> PlaceOrder {
        let (account, instrument) = (self.account(model), self.instrument(model));
        let position = model.position_lots(account, instrument);
        let mut side = if self.chance(50) { Side::Buy } else { Side::Sell };
        let keen = if self.flavor == Flavor::ReduceOnly { 55 } else { 25 };
        let reduce_only = if position == 0 { self.chance(4) } else { self.chance(keen) };
        if reduce_only && position != 0 && self.chance(93) {
            side = if position > 0 { Side::Sell } else { Side::Buy };
        }
        let order_type = match self.rng.below(100) {
            0..55 => OrderType::Limit,
            55..67 => OrderType::Post,
            67..79 => OrderType::ImmediateOrCancel,
            79..90 => OrderType::Market,
            _ => OrderType::FillOrKill,
        };
        let absent = if order_type == OrderType::Market { 80 } else { 1 };
        let limit_price = if self.chance(absent) { None } else { Some(self.price(instrument, side)) };
        let mut qty = self.qty(instrument);
        if reduce_only && position != 0 && self.chance(30) {
            // Around the size of the position, where cutting begins.
            qty = OnGrid::Steps(position.abs() + self.rng.below(5) as i64 - 2);
        }
        if let (false, true, Some(most)) = (reduce_only, self.chance(3), model.max_position(instrument)) {
            // Around the greatest position.
            qty = OnGrid::Steps(most.0 - position * side.sign() + self.rng.below(3) as i64 - 1);
        }
        let mut order = PlaceOrder {
            account,
            instrument,
            side,
            order_type,
            qty,
            limit_price,
            stop_price: if self.chance(1) { Some(OnGrid::Steps(5)) } else { None },
            trigger: None,
            limit_offset: None,
            reduce_only,
            client_order_id: self.name(),
            algo_id: self.chance(5).then(|| "algo".into()),
            process_before: self.process_before(),
        };
        self.let_wait(&mut order);
        order
    }

    pub(super) fn edit(&mut self, model: &Model) -> EditOrder {
        let (account, order) = self.target(model, 92);
        let present = match &order {
            OrderRef::Id(id) => model.known_orders().find(|o| o.id == *id).cloned(),
            OrderRef::Client(name) => {
                model.known_orders().find(|o| o.client_order_id.as_deref() == Some(name)).cloned()
            }
            OrderRef::Foreign(_) => None,
        };
        let (instrument, side) =
            present.as_ref().map_or((InstrumentId(0), Side::Buy), |o| (o.instrument, o.side));
        let waits = present.as_ref().filter(|o| o.status == OrderStatus::TriggerPlaced);
        let trigger = waits.and_then(|o| o.trigger()).cloned();
        let trails = trigger.as_ref().is_some_and(|t| t.kind == TriggerKind::TrailingStop);
        let present_limit = present.as_ref().and_then(|o| o.limit_price).map(|p| OnGrid::Steps(p.0));
        let limit_price = match self.rng.below(10) {
            // It would be refused.
            _ if trails && self.chance(96) => None,
            _ if trigger.is_some() && present_limit.is_none() && self.chance(75) => None,
            0..4 => None,
            4 => present_limit,
            _ => Some(self.price(instrument, side)),
        };
        let stop_price = match &trigger {
            None => self.chance(1).then_some(OnGrid::Steps(5)),
            Some(_) if trails => self.chance(3).then_some(OnGrid::Steps(5)),
            Some(t) if self.chance(15) => t.price.map(|p| OnGrid::Steps(p.0)),
            Some(t) => self.chance(60).then(|| self.stop_price(instrument, side, t.kind)),
        };
        let (deviation, deviation_unit) = if trails || self.chance(1) {
            self.edited_deviation(trigger.as_ref().and_then(|t| t.deviation))
        } else {
            (None, None)
        };
        let qty_mode = if self.chance(60) { QtyMode::Relative } else { QtyMode::Absolute };
        let size = present.as_ref().map_or(5, |o| match qty_mode {
            QtyMode::Relative => o.open_qty().0,
            QtyMode::Absolute => o.qty.map_or(5, |q| q.0),
        });
        let qty = match self.rng.below(10) {
            0..4 => None,
            4 => Some(OnGrid::Steps(size)),
            5..8 => Some(OnGrid::Steps(size + self.rng.below(9) as i64 - 5)),
            _ => Some(self.qty(instrument)),
        };
        EditOrder {
            instrument: match self.rng.below(20) {
                0..12 => None,
                12 => Some(self.instrument(model)),
                _ => Some(instrument),
            },
            account,
            order,
            limit_price,
            stop_price,
            deviation,
            deviation_unit,
            qty,
            qty_mode,
            process_before: self.process_before(),
        }
    }

    /// Near where the contract trades, a little on the passive side.
    fn price(&mut self, instrument: InstrumentId, side: Side) -> OnGrid {
        let fair = self.fair.get(instrument.0 as usize).copied().unwrap_or(100);
        match self.rng.below(120) {
            0 => OnGrid::Off,
            1 => OnGrid::TooLarge,
            2 => {
                let odd = [0, -1, i64::MIN, i64::MAX, MAX_TICKS, MAX_TICKS + 1, 1];
                OnGrid::Steps(self.pick(&odd))
            }
            // Far from where it is worth what is paid for it.
            3..20 if self.flavor == Flavor::Margin => {
                OnGrid::Steps(fair * (92 + self.rng.below(17) as i64) / 100)
            }
            3..7 => OnGrid::Steps(fair * (90 + self.rng.below(21) as i64) / 100),
            _ => OnGrid::Steps(fair + side.sign() * (self.rng.below(9) as i64 - 5)),
        }
    }

    fn qty(&mut self, instrument: InstrumentId) -> OnGrid {
        let unit = match (instrument.0, self.flavor) {
            (0, _) => 60,
            (2 | 5, _) => 20,
            (venue::EXPENSIVE, Flavor::Rich) => 38_000,
            (4, _) => 2_000,
            _ => 3,
        };
        match self.rng.below(120) {
            0 => OnGrid::Off,
            1 => OnGrid::TooLarge,
            2 => {
                let odd = [0, -3, i64::MIN, i64::MAX, MAX_LOTS, MAX_LOTS + 1, 1];
                OnGrid::Steps(self.pick(&odd))
            }
            3..13 => OnGrid::Steps(1),
            13..17 => OnGrid::Steps(unit * (20 + self.rng.below(40) as i64)),
            _ => OnGrid::Steps(1 + self.rng.below(unit as u64 * 6) as i64),
        }
    }

    /// A few names over and over, most often one that was never used.
    fn name(&mut self) -> Option<ClientOrderId> {
        match self.rng.below(100) {
            0..50 => None,
            50 => Some(ClientOrderId::TooLong),
            51 => Some(ClientOrderId::Invalid),
            52..70 => Some(ClientOrderId::Valid(format!("again-{}", self.rng.below(12)).into())),
            _ => {
                self.names += 1;
                Some(ClientOrderId::Valid(format!("once-{}", self.names).into()))
            }
        }
    }

    pub(super) fn process_before(&mut self) -> Option<Timestamp> {
        if !self.chance(5) {
            return None;
        }
        let around = self.pick(&[-1_000_000, -1, 0, 1, 1_000_000]);
        Some(Timestamp(self.time + around))
    }
}
