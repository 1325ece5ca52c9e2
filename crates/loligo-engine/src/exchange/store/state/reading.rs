//! From the list back into memory: each part is checked as it is taken up, and what follows from it is made anew.

mod counted;

use super::{
    ClosedOrder, Contract, FamilyTerms, Liquidation, LiquidationOf, Owner, ParticularLimits, Pasts, Rest,
    State, StoredClearing, StoredCollateral, StoredLadder, StoredLooking, StoredOrder, StoredPosition,
    StoredRanking, StoredSettlement, StoredWork,
};
use crate::account::{Account, Family};
use crate::collateral::Collateral;
use crate::exchange::closing::{Closed, ClosedOrders};
use crate::exchange::programs::Programs;
use crate::exchange::unwind::FOUND_MAX;
use crate::exchange::work::{Clearing, Looking};
use crate::exchange::{CodecError, Exchange, INTEREST_MAX, Portfolio, TIME_MAX, Timer, Unwinding};
use crate::id::{AccountId, Currency, InstrumentId, OrderId, PairId, Price, ProgramId, Timestamp, Wallet};
use crate::instrument::{Instrument, Leverage, MAX_LOTS, MAX_TICKS};
use crate::market::{Market, Pair, SMOOTHING};
use crate::money::{Fine, Money, price_in_range};
use crate::order::{Order, OrderFlags, Orders, Record};
use crate::settlement::Ending;
use crate::slot::{Maybe, OrderSlot, PositionSlot, Table, WalletSlot};
use crate::trigger::Due;
use crate::words::{ContractKind, MarketState, OrderStatus};
use std::collections::{BTreeMap, BTreeSet};

/// Reads the list into memory, part by part; each refuses what cannot be.
struct Reading {
    exchange: Exchange,
}

/// Refuses a state in which something cannot be as it says.
fn there(holds: bool, what: &'static str) -> Result<(), CodecError> {
    if holds { Ok(()) } else { Err(damaged(what)) }
}

fn damaged(what: &'static str) -> CodecError {
    CodecError::Damaged { what: "state", problem: format!("{what} is not as it can be") }
}

impl State {
    /// The exchange that knows this.
    ///
    /// # Errors
    /// [`CodecError::Damaged`] when the parts do not fit together.
    pub(in crate::exchange::store) fn into_exchange(self) -> Result<Exchange, CodecError> {
        let Self {
            now,
            born,
            table_seed,
            next_order,
            next_execution,
            sampled,
            limits,
            particular_limits,
            pairs,
            contracts,
            accounts,
            resting,
            waiting,
            closed,
            liquidations,
            pool,
            deposited,
            numbers,
            work,
            pasts,
            funding,
            rest: Rest { collateral, ladder, settlement, looking, ranking },
        } = self;
        there((0..=TIME_MAX.0).contains(&now.0), "the time")?;
        // Samples are of full seconds, up to the present one.
        there(sampled <= now.0.div_euclid(Timestamp::SECOND) && sampled >= 0, "the second last sampled")?;
        let exchange = Exchange {
            now,
            born,
            limits,
            particular_limits: particular_limits
                .into_iter()
                .map(|ParticularLimits { account, instrument, change }| ((account, instrument), change))
                .collect(),
            next_execution,
            sampled,
            pool: pool.into_iter().collect(),
            deposited: deposited.into_iter().collect(),
            smoothing: settlement.smoothing,
            ..Exchange::default()
        };
        let mut reading = Reading { exchange };
        reading.list(pairs, contracts, &settlement)?;
        reading.value(&collateral)?;
        reading.open(accounts)?;
        reading.take_orders(table_seed, next_order, resting, waiting, closed)?;
        reading.fund(&funding)?;
        reading.prefer(&collateral)?;
        for slot in reading.exchange.positions.slots() {
            reading.sum_up(slot)?;
        }
        reading.count_collateral()?;
        reading.liquidate(liquidations)?;
        reading.go_down(ladder, ranking)?;
        reading.number(numbers)?;
        reading.go_on(pasts)?;
        reading.resume(work, funding.next, collateral.charged_next, settlement, looking)?;
        reading.watch();
        Ok(reading.exchange)
    }
}

impl Reading {
    fn list(
        &mut self,
        pairs: Vec<Pair>,
        contracts: Vec<Contract>,
        settlement: &StoredSettlement,
    ) -> Result<(), CodecError> {
        let exchange = &mut self.exchange;
        let StoredSettlement { smoothing, contracts: endings, settling: _ } = settlement;
        let smoothing = smoothing.unwrap_or(SMOOTHING);
        there(smoothing <= SMOOTHING, "the smoothing of marks")?;
        there(endings.is_empty() || endings.len() == contracts.len(), "the number of contracts that end")?;
        there(pairs.len() <= usize::from(u16::MAX) + 1, "the number of pairs")?;
        let mut named = BTreeMap::new();
        let mut known = Table::default();
        for pair in pairs {
            there(pair.index.is_none_or(price_in_range), "an index price")?;
            there(named.insert(pair.name.clone(), known.next()).is_none(), "a pair's name")?;
            known.push(pair);
        }
        let pairs: Table<PairId, Pair> = known;
        there(contracts.len() <= usize::from(u16::MAX), "the number of contracts")?;
        let mut symbols = BTreeSet::new();
        let endings = endings.iter().cloned().chain(std::iter::repeat_with(Ending::default));
        for (Contract { spec, prices, fees, dust }, ending) in contracts.into_iter().zip(endings) {
            let pair = *named.get(&spec.pair).ok_or_else(|| damaged("a contract's pair"))?;
            there(symbols.insert(spec.symbol.clone()), "a contract's symbol")?;
            let id = exchange.markets.next();
            // Its timer is gone once it has expired, of itself or by the operator.
            let listed = prices.trading != MarketState::Expired;
            there(ending.fits(&spec, exchange.now), "a contract's end")?;
            if let Some(at) = ending.due.or(spec.expiry).filter(|_| listed) {
                exchange.timers.insert((at, Timer::Expiry(id)));
            }
            if spec.opening > exchange.now {
                exchange.timers.insert((spec.opening, Timer::Opening(id)));
            }
            let instrument = Instrument::new(spec, pair).map_err(|_| damaged("a contract"))?;
            let index = pairs[pair].index;
            let index_fits = index.is_none_or(|index| price_in_range(index) && instrument.carries(index));
            let mark_fits = prices.mark.is_none_or(|mark| instrument.carries_as_mark(mark));
            there(index_fits && mark_fits, "a contract's price")?;
            let mut market = Market::new(instrument);
            market.restore(prices);
            market.smooth_over(smoothing);
            (market.fees, market.dust, market.ending) = (fees, dust, ending);
            exchange.markets.push(market);
        }
        for (id, pair) in pairs.entries() {
            if let Some(from) = pair.stale_from().filter(|from| *from > exchange.now) {
                exchange.timers.insert((from, Timer::Stale(id)));
            }
        }
        for market in &mut exchange.markets {
            market.announced = market.state(&pairs[market.pair()], exchange.now);
        }
        exchange.pairs = pairs;
        Ok(())
    }

    /// At which prices collateral is valued. An earlier form has none, and no pairs for currencies without contracts.
    fn value(&mut self, stored: &StoredCollateral) -> Result<(), CodecError> {
        let exchange = &mut self.exchange;
        if !exchange.born {
            return there(stored.valued.is_empty(), "the number of valued pairs");
        }
        let known = exchange.pairs.len();
        exchange.price_collateral();
        if stored.valued.is_empty() {
            for pair in &mut exchange.pairs {
                pair.revalue();
            }
        } else {
            let whole = known == exchange.pairs.len() && known == stored.valued.len();
            there(whole, "the number of valued pairs")?;
            for (pair, valued) in exchange.pairs.iter_mut().zip(&stored.valued) {
                there(valued.is_none_or(price_in_range), "a price of collateral")?;
                pair.valued = *valued;
            }
        }
        there(stored.interest <= INTEREST_MAX, "the interest")?;
        exchange.interest = stored.interest;
        exchange.exchanged = stored.exchanged.iter().copied().collect();
        Ok(())
    }

    /// What gains are paid in.
    fn prefer(&mut self, stored: &StoredCollateral) -> Result<(), CodecError> {
        for (account, id, currency) in &stored.gains_in {
            let exchange = &mut self.exchange;
            let linear = exchange
                .markets
                .get(*id)
                .filter(|market| market.instrument.spec().kind == ContractKind::Linear);
            let slot = linear.and_then(|market| market.position_of(*account));
            let paid = Collateral::of(*currency).filter(|collateral| collateral.terms().pays_gains);
            let (Some(slot), Some(paid)) = (slot, paid) else { return Err(damaged("a currency of gains")) };
            exchange.positions[slot].gains_in = Some(paid);
        }
        Ok(())
    }

    /// What other currencies count for, and what contracts of one underlying need less together.
    fn count_collateral(&mut self) -> Result<(), CodecError> {
        let exchange = &mut self.exchange;
        for account in exchange.accounts.slots() {
            let owner = &exchange.accounts[account];
            let held = &owner.flex_other;
            let orderly = held.iter().zip(held.iter().skip(1)).all(|((one, _), (next, _))| one < next);
            // What is no collateral may lie there, too: it counts for nothing.
            let fits = |(currency, amount): &(Currency, Money)| {
                *currency != Currency::USD && (0..=BALANCE_MAX).contains(&amount.0)
            };
            there(orderly && held.iter().all(fits), "a flex wallet's currencies")?;
            if !held.is_empty() {
                exchange.collateral_holders.set(account, true);
            }
            exchange.revalue_collateral(account);
        }
        for slot in exchange.positions.slots() {
            exchange.recount_netting(slot);
        }
        Ok(())
    }

    fn go_on(&mut self, Pasts(pasts): Pasts) -> Result<(), CodecError> {
        for (id, last) in pasts {
            let price = (1..=MAX_TICKS).contains(&last.price.0);
            let market = self.exchange.markets.get_mut(id).filter(|_| price);
            market.ok_or_else(|| damaged("a contract's last made-up trade"))?.before = Some(last);
        }
        Ok(())
    }

    fn open(&mut self, accounts: Vec<Owner>) -> Result<(), CodecError> {
        there(accounts.len() < u32::MAX as usize, "the number of accounts")?;
        for owner in accounts {
            let Owner { parent, house, active, trading, cancel_all_at, family: terms, .. } = &owner;
            let id = self.exchange.accounts.next();
            let (parent, family) = match (parent, terms) {
                (None, Some(FamilyTerms { self_trade, days })) => {
                    let mut family = Family::new(id, *house, self.exchange.now);
                    family.self_trade = *self_trade;
                    there(family.restore(days), "a family's volume")?;
                    (None, self.exchange.families.push(family))
                }
                (Some(parent), None) => {
                    let master = self.exchange.accounts.get(*parent);
                    let master = master.filter(|master| master.parent.is_none() && master.house == *house);
                    let family = master.ok_or_else(|| damaged("a subaccount's master"))?.family;
                    self.exchange.families[family].members.push(id);
                    (Some(*parent), family)
                }
                _ => return Err(damaged("an account's family")),
            };
            if let Some(at) = cancel_all_at {
                self.exchange.timers.insert((*at, Timer::CancelAll(id)));
            }
            // It has been there from the first.
            there(matches!(owner.wallets.first(), Some((Wallet::Flex, _))), "an account's flex wallet")?;
            let flex = self.exchange.open_margin_wallet(family, Wallet::Flex, Currency::USD);
            self.exchange.accounts.push(Account {
                closed: 0,
                family,
                oldest_closed: 0,
                fills: 0,
                log: 0,
                flex,
                house: *house,
                active: *active,
                trading: *trading,
                parent,
                positions: Vec::new(),
                cash: Vec::new(),
                flex_other: Vec::new(),
                collateral: Money::ZERO,
                inverse: Table::default(),
                cancel_all_at: *cancel_all_at,
            });
            self.open_wallets(id, &owner)?;
            self.open_positions(id, &owner.positions)?;
            let account = &mut self.exchange.accounts[id];
            (account.cash, account.flex_other) = (owner.cash, owner.flex_other);
        }
        Ok(())
    }

    fn open_wallets(&mut self, id: AccountId, owner: &Owner) -> Result<(), CodecError> {
        for (at, (wallet, balance)) in owner.wallets.iter().enumerate() {
            let slot = match *wallet {
                Wallet::Cash => return Err(damaged("a wallet that margins nothing")),
                Wallet::Flex => {
                    there(at == 0, "a flex wallet")?;
                    self.exchange.accounts[id].flex
                }
                Wallet::Inverse(pair) => {
                    let base = self.exchange.inverse_base(pair);
                    let base = base.ok_or_else(|| damaged("an inverse wallet's pair"))?;
                    let free = self.exchange.accounts[id].inverse_wallet(pair).is_none();
                    there(free, "an inverse wallet")?;
                    self.exchange.inverse_wallet(id, pair, base)
                }
            };
            self.exchange.margin_wallets[slot].balance = *balance;
        }
        Ok(())
    }

    fn open_positions(&mut self, id: AccountId, positions: &[StoredPosition]) -> Result<(), CodecError> {
        let mut last = None;
        for StoredPosition { instrument, lots, entry, leverage } in positions {
            there(last.replace(instrument.0).is_none_or(|last| last < instrument.0), "a size's contract")?;
            let market = self.exchange.markets.get(*instrument);
            let market = market.ok_or_else(|| damaged("a size's contract"))?;
            let spec = market.instrument.spec();
            there(lots.unsigned_abs() <= 2 * spec.max_position.0.unsigned_abs(), "a size's size")?;
            there(entry.0.unsigned_abs() <= ENTRY_MAX && (*lots != 0 || entry.0 == 0), "an entry value")?;
            there(leverage.is_none_or(|own| own >= Leverage::ONE), "a leverage")?;
            there(leverage.is_none() || spec.kind == ContractKind::Linear, "a leverage")?;
            let opened = match spec.kind {
                ContractKind::Linear => true,
                ContractKind::Inverse => self.exchange.accounts[id].inverse_wallet(market.pair()).is_some(),
            };
            there(opened, "a size's wallet")?;
            let slot = self.exchange.open_position(id, *instrument);
            let position = &mut self.exchange.positions[slot];
            (position.size, position.entry, position.leverage) = (*lots, *entry, *leverage);
        }
        Ok(())
    }

    fn take_orders(
        &mut self,
        table_seed: u64,
        next_order: u64,
        resting: Vec<StoredOrder>,
        waiting: Vec<StoredOrder>,
        closed: Vec<ClosedOrder>,
    ) -> Result<(), CodecError> {
        there(next_order <= ORDERS_MAX, "the number of orders")?;
        self.exchange.orders = Orders::restored(table_seed, next_order);
        let mut last = None;
        for stored in resting {
            let rests = stored.status == OrderStatus::EnteredBook && stored.filled < stored.qty;
            there(rests && (1..=MAX_TICKS).contains(&stored.price), "a resting order")?;
            let place = (stored.instrument, stored.side, -stored.side.sign() * stored.price);
            there(last.replace(place).is_none_or(|last| last <= place), "a resting order's place")?;
            let slot = self.take_order(stored)?;
            let position = self.exchange.orders.get(slot).position;
            let instrument = self.exchange.positions[position].instrument;
            let Exchange { markets, orders, positions, .. } = &mut self.exchange;
            let book = &mut markets[instrument].book;
            let order = orders.get(slot);
            there(!book.crosses(order.side, order.price), "a resting order's price")?;
            book.enter(orders, slot);
            let position = &mut positions[position];
            orders.record_mut(slot).own_place = position.orders.len() as u32;
            position.orders.push(slot);
        }
        let mut last = OrderId(0);
        for stored in waiting {
            there(std::mem::replace(&mut last, stored.id) < stored.id, "a trigger's place")?;
            let trigger = stored.attached.as_ref().and_then(|attached| attached.trigger.as_ref());
            let market = self.exchange.markets.get(stored.instrument);
            let waits = stored.status == OrderStatus::TriggerPlaced
                && trigger.zip(market).is_some_and(|(trigger, market)| trigger.can_wait(&market.instrument));
            there(waits, "a waiting trigger")?;
            let slot = self.take_order(stored)?;
            let Exchange { orders, positions, .. } = &mut self.exchange;
            let position = &mut positions[orders.get(slot).position];
            orders.record_mut(slot).own_place = position.triggers.len() as u32;
            position.triggers.push(slot);
        }
        for ClosedOrder { at, order } in closed {
            there(order.status.is_closed() && at <= self.exchange.now && at.0 >= 0, "a closed order")?;
            let (id, account) = (order.id, order.account);
            let slot = self.take_order(order)?;
            let flags = self.exchange.orders.get(slot).flags;
            self.exchange.closed.queue.push_back(Closed { at, order: id, slot, account, flags });
            self.exchange.accounts[account].closed += 1;
        }
        let ClosedOrders { queue, .. } = &self.exchange.closed;
        there(queue.iter().zip(queue.iter().skip(1)).all(|(one, next)| one.at <= next.at), "a closing's time")
    }

    /// Puts an order into the slab; the caller knows where it stands.
    fn take_order(&mut self, stored: StoredOrder) -> Result<OrderSlot, CodecError> {
        let StoredOrder {
            id,
            account,
            instrument,
            side,
            order_type,
            status,
            reason,
            error,
            price,
            qty,
            filled,
            reduce_only,
            small,
            reserved,
            placed_at,
            updated_at,
            client_order_id,
            attached,
        } = stored;
        let orders = &self.exchange.orders;
        there(id.0 > 0 && id < orders.next_id() && orders.find(id).is_none(), "an order's number")?;
        there((0..=MAX_LOTS).contains(&qty) && (0..=qty).contains(&filled), "an order's size")?;
        there((0..=MAX_TICKS).contains(&price), "an order's limit")?;
        there(!reserved || client_order_id.is_some(), "an order's name")?;
        let owner = self.exchange.accounts.get(account);
        let owner = owner.ok_or_else(|| damaged("an order's account"))?;
        let position = owner.positions.iter().find(|(number, _)| *number == instrument);
        let position = position.ok_or_else(|| damaged("an order's size"))?.1;
        let order = Order {
            id,
            price,
            qty,
            filled,
            updated_at,
            prev: Maybe::NONE,
            next: Maybe::NONE,
            level: Maybe::NONE,
            position,
            side,
            order_type,
            status,
            reduce_only,
            flags: OrderFlags::new(small, client_order_id.is_some()),
            reason,
            error,
        };
        let name = client_order_id.clone().filter(|_| reserved);
        let record = Record { account, own_place: 0, placed_at, client_order_id };
        let slot = self.exchange.orders.take(order, record, attached);
        if let Some(name) = name {
            there(self.exchange.orders.find_name(account, &name).is_none(), "an order's name")?;
            self.exchange.orders.reserve_name(slot);
        }
        Ok(slot)
    }

    /// What follows from a position and its orders: sums, counts, margin.
    fn sum_up(&mut self, slot: PositionSlot) -> Result<(), CodecError> {
        let Exchange { positions, orders, markets, margin_wallets, .. } = &mut self.exchange;
        let position = &mut positions[slot];
        let market = &mut markets[position.instrument];
        let most = 2 * i128::from(market.instrument.spec().max_position.0);
        let mut open = i128::from(position.size.unsigned_abs());
        for place in 0..position.orders.len() {
            let order = orders.get(position.orders[place]);
            position.small_orders += u32::from(order.flags.small());
            position.reduce_only_orders += u32::from(order.reduce_only);
            open += i128::from(order.open());
            there(open <= 2 * most, "the size of open orders")?;
            if !order.reduce_only {
                let value = market.instrument.worth(order.open(), Price(order.price)).value;
                let sum = position.open_sum_mut(order.side);
                sum.lots += order.open();
                sum.value += value;
            }
        }
        for trigger in &position.triggers {
            position.small_orders += u32::from(orders.get(*trigger).flags.small());
            let trails = orders.trigger(*trigger).is_some_and(|trigger| trigger.deviation.is_some());
            position.trailing_stops += u32::from(trails);
        }
        if position.size != 0 {
            market.holders.set(position.account, true);
            let long = market.open_interest.checked_add(position.size.max(0));
            market.open_interest = long.ok_or_else(|| damaged("open interest"))?;
        }
        position.initial_margin = position.initial_margin(&market.instrument);
        // Whoever was still to be looked over is valued now: that is all the same to who asks.
        position.counted = market.shared(position, position.counted_at);
        let margin_wallet = &mut margin_wallets[position.margin_wallet];
        let sums = (
            margin_wallet.beside.0.checked_add(position.counted.0),
            margin_wallet.initial_margin.0.checked_add(position.initial_margin.0),
        );
        let (Some(unrealized), Some(held)) = sums else { return Err(damaged("a wallet's margin")) };
        (margin_wallet.beside, margin_wallet.initial_margin) = (Fine(unrealized), Fine(held));
        Ok(())
    }

    fn liquidate(&mut self, liquidations: Vec<Liquidation>) -> Result<(), CodecError> {
        for Liquidation { account, of, ladder } in liquidations {
            let portfolio = self.portfolio(account, of)?;
            self.exchange.liquidations.insert(portfolio, ladder);
        }
        Ok(())
    }

    fn portfolio(&self, account: AccountId, of: LiquidationOf) -> Result<Portfolio, CodecError> {
        let portfolio = match of {
            LiquidationOf::Wallet(wallet) => self
                .margin_wallet(account, wallet)
                .map(|margin_wallet| Portfolio::Cross { account, margin_wallet }),
            LiquidationOf::StoredPosition(instrument) => {
                let owner = self.exchange.accounts.get(account);
                let held = owner.is_some_and(|owner| owner.positions.iter().any(|(id, _)| *id == instrument));
                held.then_some(Portfolio::Isolated { account, instrument })
            }
        };
        portfolio.ok_or_else(|| damaged("a portfolio that is liquidated"))
    }

    /// Margin wallet slot of an account's margin wallet.
    fn margin_wallet(&self, account: AccountId, wallet: Wallet) -> Option<WalletSlot> {
        let owner = self.exchange.accounts.get(account)?;
        match wallet {
            Wallet::Flex => Some(owner.flex),
            Wallet::Inverse(pair) => owner.inverse_wallet(pair),
            Wallet::Cash => None,
        }
    }

    /// Who takes over positions, and what is being unwound.
    fn go_down(&mut self, stored: StoredLadder, ranking: StoredRanking) -> Result<(), CodecError> {
        let StoredLadder { last_program, providers, changes, unwinding } = stored;
        let mut last = ProgramId(0);
        for provider in &providers {
            there(std::mem::replace(&mut last, provider.id) < provider.id, "an assignment program's number")?;
            there(self.exchange.accounts.get(provider.account).is_some(), "an assignment program's account")?;
        }
        there(last <= last_program, "an assignment program's number")?;
        let mut programs = Programs::default();
        programs.last = last_program;
        providers.into_iter().for_each(|provider| programs.add(provider));
        for change in changes {
            there(self.exchange.accounts.get(change.account).is_some(), "an assignment program's account")?;
            programs.note(change);
        }
        self.exchange.programs = programs;
        let StoredRanking(mut ranking) = ranking;
        if ranking.is_empty() {
            ranking.resize(unwinding.len(), (Some(AccountId(0)), Vec::new()));
        }
        there(ranking.len() == unwinding.len(), "who a position is unwound against")?;
        for ((account, of, instrument, price), (ranked, first)) in unwinding.into_iter().zip(ranking) {
            let portfolio = self.portfolio(account, of)?;
            let market = self.exchange.markets.get(instrument);
            let held = market.and_then(|market| market.position_of(account));
            let is_held = held.is_some_and(|slot| self.exchange.positions[slot].size != 0);
            there(is_held && (1..=MAX_TICKS).contains(&price.0), "a position that is unwound")?;
            there(self.exchange.liquidations.contains_key(&portfolio), "a position that is unwound")?;
            let size_of = |account: AccountId| {
                let held = market.and_then(|market| market.position_of(account));
                held.map_or(0, |slot| self.exchange.positions[slot].size.signum())
            };
            let against = first.iter().all(|other| size_of(*other) == -size_of(account));
            let once = first.iter().collect::<BTreeSet<_>>().len() == first.len();
            let found = first.len() <= FOUND_MAX && (ranked.is_some() || !first.is_empty());
            there(against && once && found, "who a position is unwound against")?;
            let unwinding = Unwinding { instrument, price, ranked, first };
            self.exchange.unwinding.insert(portfolio, unwinding);
        }
        Ok(())
    }

    /// What was waiting to be done goes on where it was left.
    fn resume(
        &mut self,
        stored: StoredWork,
        funding: Option<(InstrumentId, AccountId)>,
        charged_next: Option<AccountId>,
        settlement: StoredSettlement,
        looking: StoredLooking,
    ) -> Result<(), CodecError> {
        let StoredWork { stirred, clearing, look_from, stepping, margin_checks, due } = stored;
        self.exchange.stirred = stirred;
        let open = |order: &OrderId, of: Option<InstrumentId>| {
            let slot = self.exchange.find_open(*order)?;
            let position = &self.exchange.positions[self.exchange.orders.get(slot).position];
            of.is_none_or(|of| of == position.instrument).then_some(slot)
        };
        let mut work = self.exchange.work.clone();
        for StoredClearing { instrument, resting, waiting, orders } in clearing {
            there(
                !work.clearing.iter().any(|other| other.instrument == instrument),
                "a contract's clearing",
            )?;
            there(
                orders.iter().all(|order| open(order, Some(instrument)).is_some()),
                "an order to be cleared",
            )?;
            work.clearing.push_back(Clearing { instrument, resting, waiting, orders: orders.into() });
        }
        for (id, from) in settlement.settling {
            let market = self.exchange.markets.get(id);
            there(market.is_some_and(Market::has_expired), "a contract that settles")?;
            there(!work.settling.iter().any(|(other, _)| *other == id), "a contract that settles")?;
            work.settling.push_back((id, from));
        }
        // What expired under rules that left positions as they were is settled now.
        if settlement.contracts.is_empty() {
            let left = self.exchange.markets.entries();
            let left = left.filter(|(_, market)| market.has_expired() && market.open_interest > 0);
            work.settling.extend(left.map(|(id, _)| (id, AccountId(0))));
        }
        let known = |from| self.exchange.accounts.get(from).is_some();
        there(look_from.is_none_or(known), "an account to be looked over")?;
        let StoredLooking { mut moved, mut collateral } = looking;
        let none = moved.is_empty() && !collateral;
        there(none || look_from.is_some(), "prices that have moved")?;
        there(
            moved.is_sorted_by(|one, other| one < other)
                && moved.last().is_none_or(|id| self.exchange.markets.get(*id).is_some()),
            "a contract whose mark has moved",
        )?;
        if none {
            moved.extend(self.exchange.markets.slots());
            collateral = true;
        }
        work.looking = look_from.map(|from| Looking { from, moved, collateral });
        let holds = |(id, account): (InstrumentId, AccountId)| {
            self.exchange.markets.get(id).is_some()
                && self.exchange.next_holder(id, account) == Some((id, account))
        };
        there(funding.is_none_or(holds), "a position to be booked")?;
        work.funding = funding;
        there(charged_next.is_none_or(known), "an account to be charged")?;
        work.interest = charged_next;
        for (account, of) in stepping {
            let portfolio = self.portfolio(account, of)?;
            there(self.exchange.has_step_to_take(portfolio), "a liquidation's step")?;
            work.stepping.push_back(portfolio);
        }
        for (account, wallet) in margin_checks {
            let margin_wallet =
                self.margin_wallet(account, wallet).ok_or_else(|| damaged("a wallet to be judged"))?;
            work.margin_checks.insert((account, margin_wallet));
        }
        let mut slots = BTreeSet::new();
        for order in due {
            let slot = open(&order, None).ok_or_else(|| damaged("a trigger that is due"))?;
            let due = Due { order, slot };
            there(slots.insert(slot) && self.exchange.is_still_due(&due), "a trigger that is due")?;
            work.due.push_back(due);
        }
        self.exchange.work = work;
        self.exchange.note_what_is_left();
        Ok(())
    }

    /// Finds anew which triggers wait for what, and which wallets are to be looked at.
    fn watch(&mut self) {
        self.exchange.rewatch();
        for account in self.exchange.accounts.slots() {
            let owner = &self.exchange.accounts[account];
            let margin_wallets: Vec<WalletSlot> = owner.margin_wallets().collect();
            for margin_wallet in margin_wallets {
                self.exchange.margin_wallets[margin_wallet].checked_always =
                    self.exchange.must_be_checked_always(account, margin_wallet);
            }
        }
    }
}

/// More orders than any venue takes; each thousand takes room, so a damaged number must not be believed.
const ORDERS_MAX: u64 = 1 << 40;

/// No flex wallet has more of a currency besides USD: all that may come in at once, and gains up to that.
const BALANCE_MAX: i128 = 1_000_000_000_000 * Money::ONE;

/// No position is entered at more (fine units): the greatest that a listing admits, both sides of it.
const ENTRY_MAX: u128 = 20 * 10_u128.pow(36);
