//! Triggers as clients might ask for them, sensible and not.

use super::{Flavor, Workload};
use loligo_engine::{
    AskedDeviation, AskedDistance, AskedOffset, AskedTrigger, DistanceUnit, InstrumentId, MAX_TICKS, OnGrid,
    PlaceOrder, Side, Signal, TriggerKind,
};

impl Workload {
    /// Makes a trigger of an order that was to be placed at once, in some of 100 cases.
    pub(super) fn let_wait(&mut self, order: &mut PlaceOrder) {
        let share = match self.flavor {
            Flavor::Triggers => 60,
            Flavor::ReduceOnly | Flavor::Halts | Flavor::Margin => 30,
            Flavor::Mixed | Flavor::Poor | Flavor::Rich | Flavor::Family => 18,
        };
        if !self.chance(share) {
            if self.chance(1) {
                order.limit_offset = Some(self.offset());
            }
            return;
        }
        let kind = match self.rng.below(100) {
            0..40 => TriggerKind::Stop,
            40..65 => TriggerKind::TakeProfit,
            _ => TriggerKind::TrailingStop,
        };
        let signal = self.pick(&[Signal::Last, Signal::Mark, Signal::Index]);
        let trails = kind == TriggerKind::TrailingStop;
        let deviation = (trails != self.chance(1)).then(|| self.distance());
        order.trigger = Some(Box::new(AskedTrigger { kind, signal, deviation }));
        order.stop_price =
            (trails == self.chance(1)).then(|| self.stop_price(order.instrument, order.side, kind));
        if self.chance(if trails { 98 } else { 55 }) {
            order.limit_price = None;
        }
        let with_offset = if order.limit_price.is_some() { 4 } else { 30 };
        if self.chance(with_offset) {
            order.limit_offset = Some(self.offset());
        }
        if !trails && self.chance(1) {
            // A buy's limit comes to half a tick, and so to none.
            let half = AskedDistance { unit: DistanceUnit::Percent, steps: OnGrid::Steps(-5_000) };
            (order.stop_price, order.limit_price) = (Some(OnGrid::Steps(1)), None);
            order.limit_offset = Some(AskedOffset::Distance(half));
        }
    }

    /// Near where the contract trades: most often where the price has yet to come.
    pub(super) fn stop_price(&mut self, instrument: InstrumentId, side: Side, kind: TriggerKind) -> OnGrid {
        let fair = self.fair.get(instrument.0 as usize).copied().unwrap_or(100);
        let up = match kind {
            TriggerKind::Stop | TriggerKind::TrailingStop => side.sign(),
            TriggerKind::TakeProfit => -side.sign(),
        };
        match self.rng.below(60) {
            0 => OnGrid::Off,
            1 => OnGrid::TooLarge,
            2 => {
                let odd = [0, -1, i64::MIN, i64::MAX, MAX_TICKS, MAX_TICKS + 1, 1];
                OnGrid::Steps(self.pick(&odd))
            }
            _ => OnGrid::Steps(fair + up * (self.rng.below(12) as i64 - 2)),
        }
    }

    fn distance(&mut self) -> AskedDistance {
        let unit = self.pick(&[DistanceUnit::Percent, DistanceUnit::Quote]);
        AskedDistance { unit, steps: self.deviation_steps(unit) }
    }

    fn deviation_steps(&mut self, unit: DistanceUnit) -> OnGrid {
        let odd = match unit {
            DistanceUnit::Percent => [9, 10, 11, 5_000, 5_001, 0, -10, i64::MIN, i64::MAX],
            DistanceUnit::Quote => [0, 1, 1, 250, 500, 501, -1, i64::MIN, MAX_TICKS + 1],
        };
        match (self.rng.below(60), unit) {
            (0, _) => OnGrid::Off,
            (1, _) => OnGrid::TooLarge,
            (2..8, _) => OnGrid::Steps(self.pick(&odd)),
            (_, DistanceUnit::Percent) => OnGrid::Steps(10 + self.rng.below(120) as i64),
            (_, DistanceUnit::Quote) => OnGrid::Steps(1 + self.rng.below(9) as i64),
        }
    }

    fn offset(&mut self) -> AskedOffset {
        let unit = self.pick(&[DistanceUnit::Percent, DistanceUnit::Quote]);
        let steps = match self.rng.below(60) {
            0 => OnGrid::Off,
            1 => OnGrid::TooLarge,
            2..7 => {
                let odd = [-5_001, -5_000, 5_000, 5_001, -501, -500, 250, 251, i64::MIN, i64::MAX];
                OnGrid::Steps(self.pick(&odd))
            }
            _ => match unit {
                DistanceUnit::Percent => OnGrid::Steps(self.rng.below(160) as i64 - 80),
                DistanceUnit::Quote => OnGrid::Steps(self.rng.below(15) as i64 - 7),
            },
        };
        match self.rng.below(40) {
            0 => AskedOffset::BadValue,
            1 => AskedOffset::BadUnit,
            2 => AskedOffset::Incomplete,
            _ => AskedOffset::Distance(AskedDistance { unit, steps }),
        }
    }

    /// What an edit says of a deviation: often the present one, so that the trigger price is drawn anew.
    pub(super) fn edited_deviation(
        &mut self,
        present: Option<loligo_engine::Distance>,
    ) -> (Option<AskedDeviation>, Option<DistanceUnit>) {
        let mut deviation = AskedDeviation {
            percent: self.deviation_steps(DistanceUnit::Percent),
            quote: self.deviation_steps(DistanceUnit::Quote),
        };
        if let (Some(present), true) = (present, self.chance(40)) {
            let steps = OnGrid::Steps(present.steps);
            deviation = AskedDeviation { percent: steps, quote: steps };
        }
        let unit = self.pick(&[DistanceUnit::Percent, DistanceUnit::Quote]);
        match self.rng.below(10) {
            0..3 => (None, None),
            3 => (None, Some(unit)),
            4..7 => (Some(deviation), None),
            _ => (Some(deviation), Some(present.map_or(unit, |present| present.unit))),
        }
    }
}
