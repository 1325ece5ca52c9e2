//! What the model tells when it is asked.

use super::{Model, figures, matching};
use loligo_engine::{
    AccountId, AccountView, FeeRates, FinePrice, InstrumentId, MarketState, Money, OrderView, PairId, Price,
    Qty, Side, Timestamp,
};

impl Model {
    /// Exchange time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How many accounts there are.
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// True for the house's own accounts.
    pub fn is_house(&self, account: AccountId) -> bool {
        self.accounts.get(account.0 as usize).is_some_and(|a| a.house)
    }

    /// All listed contracts.
    pub fn instrument_ids(&self) -> impl Iterator<Item = InstrumentId> + use<> {
        (0..self.contracts.len() as u16).map(InstrumentId)
    }

    /// The pair whose index prices a contract.
    pub fn pair(&self, id: InstrumentId) -> PairId {
        self.contract(id).pair
    }

    /// A contract's tick size.
    pub fn tick(&self, id: InstrumentId) -> FinePrice {
        self.contract(id).tick()
    }

    /// Greatest position in a contract; none where there is no such contract.
    pub fn max_position(&self, id: InstrumentId) -> Option<Qty> {
        self.contracts.get(id.0 as usize).map(|contract| contract.spec.max_position)
    }

    /// Signed lots of a position; zero where there is none.
    pub fn position_lots(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.accounts.get(account.0 as usize).and_then(|a| a.positions.get(&instrument)).map_or(0, |p| p.qty)
    }

    /// Every order that is open or was closed in the last five seconds, in order of number.
    pub fn known_orders(&self) -> impl Iterator<Item = &OrderView> {
        self.orders.iter().map(|o| &o.view)
    }

    /// How a contract trades now (rules 7): as the operator or its calendar has it; while its index is too old, or it has
    /// no price yet, as if suspended.
    pub fn market_state(&self, id: InstrumentId) -> MarketState {
        let contract = self.contract(id);
        let pair = &self.pairs[contract.pair.0 as usize];
        match contract.state {
            MarketState::Inactive | MarketState::PreLaunch | MarketState::Expired => contract.state,
            MarketState::Open | MarketState::PostOnly | MarketState::Suspended => {
                if self.now < contract.spec.opening {
                    MarketState::PreLaunch
                } else if pair.index.is_none() || contract.mark.is_none() || pair.is_old(self.now) {
                    MarketState::Suspended
                } else if contract.settles_at.is_some() && contract.state == MarketState::Open {
                    MarketState::PostOnly
                } else {
                    contract.state
                }
            }
        }
    }

    /// One account.
    pub fn account_view(&self, id: AccountId) -> AccountView {
        let account = self.account(id);
        AccountView {
            id,
            parent: account.parent,
            house: account.house,
            active: account.active,
            trading: account.trading,
            self_trade: self.account(self.head(id)).self_trade,
            cancel_all_at: account.cancel_all_at,
            fills: account.fills,
            log_rows: account.log_rows,
        }
    }

    /// How often it has traded.
    pub fn trades(&self, id: InstrumentId) -> u64 {
        self.contract(id).trades
    }

    /// Where its book is, if too far from its index.
    pub fn dislocated(&self, id: InstrumentId) -> Option<loligo_engine::Dislocation> {
        self.dislocation(id)
    }

    /// By what new initial margin is multiplied.
    pub fn multiplier(&self, id: InstrumentId) -> u32 {
        self.margin_multiplier(id)
    }

    /// Mark price.
    pub fn mark(&self, id: InstrumentId) -> Option<FinePrice> {
        self.contract(id).mark
    }

    /// Index price of a contract's pair.
    pub fn index(&self, id: InstrumentId) -> Option<FinePrice> {
        self.pairs[self.contract(id).pair.0 as usize].index
    }

    /// Price of the last execution.
    pub fn last(&self, id: InstrumentId) -> Option<Price> {
        let contract = self.contract(id);
        contract.last.or(contract.before)
    }

    /// Sum of long positions.
    pub fn open_interest(&self, id: InstrumentId) -> Qty {
        let positions = self.accounts.iter().filter_map(|a| a.positions.get(&id));
        Qty(positions.map(|p| p.qty.max(0)).sum())
    }

    /// Open quantity by price, best first.
    pub fn depth(&self, id: InstrumentId, side: Side) -> Vec<(Price, Qty)> {
        let mut levels: Vec<(Price, Qty)> = vec![];
        for order in self.queue(id, side) {
            let (price, open) = (Price(order.limit()), order.open());
            match levels.last_mut() {
                Some((at, qty)) if *at == price => qty.0 += open,
                _ => levels.push((price, Qty(open))),
            }
        }
        levels
    }

    /// 30-day volume of an account's family, in USD.
    pub fn volume_usd(&self, account: AccountId) -> Money {
        figures::book(&self.family_volume(account))
    }

    /// What an account pays now.
    pub fn fee_rates(&self, account: AccountId) -> FeeRates {
        matching::fee_rates(&self.family_volume(account))
    }
}
