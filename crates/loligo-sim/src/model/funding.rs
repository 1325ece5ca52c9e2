//! Funding (rules 4.6): the sum of an hour's samples, what it comes to, and what each position is booked, exactly.

use super::work::STEP;
use super::{Contract, Model, figures};
use loligo_engine::{
    AccountId, ContractKind, FundingBooked, FundingRate, FundingView, InstrumentId, MarketState, Money,
    Timestamp,
};
use num_bigint::BigInt;

pub(super) const HOUR: i64 = 3_600 * Timestamp::SECOND;
const MILLIS_PER_HOUR: i64 = 3_600_000;

/// Of one contract; a dated one has none.
#[derive(Clone, Debug)]
pub(super) struct Funding {
    pub(super) rate: FundingRate,
    /// The uncapped premiums of the hour so far, added up, and how many they are.
    sum: BigInt,
    count: i64,
}

impl Funding {
    /// The rate of the running hour, before its first sample.
    pub(super) fn at(rate: FundingRate) -> Self {
        Self { rate, sum: BigInt::ZERO, count: 0 }
    }
}

impl Contract {
    /// Takes so many samples of the uncapped premium as it is at `now`, of the seconds that come after.
    pub(super) fn sample_funding(&mut self, first: i64, count: i64, premium: &BigInt) {
        let opening = self.spec.opening;
        let Some(funding) = &mut self.funding else { return };
        // Those of before the opening are none.
        let before = (opening.0.div_euclid(Timestamp::SECOND) + 1 - first).clamp(0, count);
        funding.sum += premium * (count - before);
        funding.count += count - before;
    }

    /// What an hour with these samples comes to at an index.
    fn rate_of(&self, funding: &Funding, index: i128) -> FundingRate {
        if funding.count == 0 {
            return FundingRate::ZERO;
        }
        let unit = BigInt::from(10_u64.pow(10));
        let most = BigInt::from(self.spec.max_relative_funding_rate) * &unit;
        let least = self.spec.min_relative_funding_rate.map_or(-&most, |least| unit * least);
        let coefficient = BigInt::from(funding.count) * self.spec.funding_rate_coefficient;
        let relative = figures::half_even(&funding.sum, &coefficient).clamp(least, most);
        let absolute = match self.spec.kind {
            ContractKind::Linear => figures::half_even(&(&relative * index), &figures::one()),
            ContractKind::Inverse => figures::half_even(&(&relative * figures::one()), &BigInt::from(index)),
        };
        let narrow = |rate: BigInt| i128::try_from(rate).expect("a rate is in range");
        FundingRate { relative: narrow(relative), absolute: narrow(absolute) }
    }
}

impl Model {
    /// When positions are booked next.
    pub(super) fn next_funding(&self) -> Timestamp {
        Timestamp((self.funded + 1) * HOUR)
    }

    /// An hour is over: all positions of perpetuals are to be booked.
    pub(super) fn begin_funding(&mut self) {
        self.funded += 1;
        self.work.funding = Some((InstrumentId(0), AccountId(0)));
        self.begin_interest();
    }

    /// The first position to be booked that is not before the next.
    pub(super) fn next_holder(&self) -> Option<(InstrumentId, AccountId)> {
        let from = self.work.funding?;
        let pays = |id: &InstrumentId| {
            let contract = self.contract(*id);
            let rate = contract.funding.as_ref().map(|funding| funding.rate);
            rate.is_some_and(|rate| contract.state != MarketState::Expired || rate != FundingRate::ZERO)
        };
        let all = self
            .instrument_ids()
            .filter(pays)
            .flat_map(|id| (0..self.accounts.len() as u32).map(move |account| (id, AccountId(account))));
        all.filter(|holder| *holder >= from).find(|(id, account)| self.position(*account, *id).qty != 0)
    }

    /// Who is next is settled whenever a record has done its part: whoever comes to hold something before it is not booked.
    pub(super) fn note_next_holder(&mut self) {
        self.work.funding = self.next_holder();
    }

    pub(super) fn book_funding(&mut self, instrument: InstrumentId, account: AccountId) {
        self.work.funding = Some((instrument, AccountId(account.0 + 1)));
        self.spend(STEP);
        let realized = self.realize_funding(account, instrument);
        let (wallet, currency) = self.margin_wallet(instrument);
        let log = self.log(account, 1);
        let (position, contract) = (self.position(account, instrument), self.contract(instrument));
        let booked = FundingBooked {
            account,
            instrument,
            log,
            rate: contract.funding.as_ref().map_or(FundingRate::ZERO, |funding| funding.rate),
            realized,
            position: position.qty,
            entry: figures::as_fine(&position.entry),
            opened_at: position.opened_at,
            mark: contract.mark,
            wallet,
            currency,
            balance: self.balance(account, wallet, currency),
            at: self.now,
        };
        self.fundings.push(booked);
        self.cover(account, wallet);
        self.margin_checks.insert((account, wallet));
    }

    /// What a position has accrued since it was last booked, over the milliseconds of an hour, at 24 decimals.
    fn accrual(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        let (position, contract) = (self.position(account, instrument), self.contract(instrument));
        let Some(funding) = &contract.funding else { return BigInt::ZERO };
        let millis = |at: Timestamp| at.0.div_euclid(1_000);
        let held = millis(self.now) - millis(position.funded_at);
        contract.of_a_lot(funding.rate.absolute) * -position.qty * held
    }

    /// The same as an amount that is told and judged.
    pub(super) fn unrealized_funding(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        figures::half_even(&self.accrual(account, instrument), &BigInt::from(MILLIS_PER_HOUR))
    }

    /// What a position has accrued, and what that is booked as.
    pub(super) fn funding_due(&self, account: AccountId, instrument: InstrumentId) -> (BigInt, Money) {
        let booked = figures::book_part(&self.accrual(account, instrument), MILLIS_PER_HOUR);
        (self.unrealized_funding(account, instrument), booked)
    }

    /// Books what a position has accrued into its wallet: rounded once.
    pub(super) fn realize_funding(&mut self, account: AccountId, instrument: InstrumentId) -> Money {
        let realized = figures::book_part(&self.accrual(account, instrument), MILLIS_PER_HOUR);
        let now = self.now;
        let (wallet, currency) = self.margin_wallet(instrument);
        self.account_mut(account).positions.entry(instrument).or_default().funded_at = now;
        self.pay(account, wallet, currency, realized);
        *self.books.funding.entry(currency).or_default() += -realized;
        realized
    }

    /// The last second of an hour is sampled: rates of the next are fixed, of contracts whose hour was sampled whole.
    pub(super) fn fix_rates(&mut self) {
        for id in self.instrument_ids() {
            let index = self.index(id);
            let contract = self.contract(id);
            let Some(funding) = &contract.funding else { continue };
            let whole = funding.count >= 3_600 && contract.state != MarketState::Expired;
            let rate = index.filter(|_| whole).map(|index| contract.rate_of(funding, index.0));
            let rate = rate.unwrap_or(FundingRate::ZERO);
            self.contract_mut(id).funding = Some(Funding::at(rate));
        }
    }

    /// What is told of a contract's funding.
    pub fn funding(&self, id: InstrumentId) -> Option<FundingView> {
        let contract = self.contract(id);
        let funding = contract.funding.as_ref().filter(|_| contract.state != MarketState::Expired)?;
        let index = self.index(id);
        let prediction = index.map_or(FundingRate::ZERO, |index| contract.rate_of(funding, index.0));
        Some(FundingView { rate: funding.rate, prediction, next: self.next_funding() })
    }
}
