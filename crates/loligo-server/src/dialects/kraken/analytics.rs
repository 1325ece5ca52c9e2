//! Analytics over HTTP: statistics of a market, and of the liquidation pool, by stretches of time. `docs/analytics.md` says what
//! each of them means.

use super::charts::{instant, length, named};
use super::private::KrakenRequest;
use super::{Answer, Failure, Kraken};
use crate::charts::{self, AVERAGE_OF, Figures, FiguresPage, Holders, Ohlc, PoolValue, Range, SideOfBook};
use crate::grid::{fine_price, money, price, rate, volume};
use loligo_engine::{Instrument, InstrumentSpec, Timestamp};
use loligo_wire::charts::{
    AnalyticsError, AnalyticsRange, AnalyticsType, Data, MAX_STRETCHES, Spelling, best_price, liquidity,
    slippage, write_analytics,
};
use loligo_wire::decimal::Decimal;
use loligo_wire::v3::words::Error;
use std::sync::Arc;

/// Returns of which the volatility is told: those of a stretch and of the ones before it.
const RETURNS: u32 = 20;
/// A return is a whole number of 1e-12 of the price before it: so the sums of their squares fit.
const RETURN_ONE: i128 = 10_i128.pow(12);
const RETURN_HALF: i128 = 10_i128.pow(6);
/// No larger one is counted with: it would be more than a hundred thousandfold.
const RETURN_MOST: i128 = 10_i128.pow(17);

impl Kraken {
    pub(super) async fn market_analytics(&self, asked: &KrakenRequest<'_>) -> Answer {
        let [_, symbol, kind] = named(asked.path());
        let kind = AnalyticsType::from_word(kind).ok_or(AnalyticsError::UnknownMethod)?;
        let wanted = wanted(asked)?;
        let Some(listed) = asked.directory.by_symbol(symbol) else {
            return Ok(written(kind, None, FiguresPage { lead: 0, rows: Vec::new(), more: false }));
        };
        self.node.followed(charts::ANALYTICS).await.map_err(|_| Failure::from(Error::Unavailable))?;
        // Taken after what was acknowledged is in the figures, so that the stretch which is forming is there.
        let now = self.node.now();
        let until = asked.views.markets().ends_at(listed.id).map_or(now, |ends_at| ends_at.min(now));
        let (length, mut range) = (length(wanted.interval), range(wanted, now));
        let mut lead = 0;
        if kind == AnalyticsType::RollingVolatility {
            // The venue tells the stretch before the range, too.
            lead = RETURNS;
            range.from = range.from.map(|from| Timestamp(from.0 - length.micros()));
        }
        let (analytics, id) = (Arc::clone(&self.analytics), listed.id);
        let page = read(move || analytics.contract(id, length, range, lead, until)).await?;
        Ok(written(kind, Some(&listed.instrument), page))
    }

    pub(super) async fn liquidity_pool(&self, asked: &KrakenRequest<'_>) -> Answer {
        let wanted = wanted(asked)?;
        self.node.followed(charts::ANALYTICS).await.map_err(|_| Failure::from(Error::Unavailable))?;
        let now = self.node.now();
        let (length, range) = (length(wanted.interval), range(wanted, now));
        let analytics = Arc::clone(&self.analytics);
        let FiguresPage { rows, more, .. } = read(move || analytics.pool(length, range, now)).await?;
        let worth = rows.iter().map(|(_, PoolValue { usd })| usd.map(money)).collect();
        let mut body = Vec::with_capacity(64 + 32 * rows.len());
        let data = Data::Members(vec![("usdValue", Data::Series(worth))]);
        write_analytics(&mut body, rows.iter().map(|(opened, _)| opened.0 / Timestamp::SECOND), more, &data);
        Ok(body)
    }
}

fn wanted(asked: &KrakenRequest<'_>) -> Result<AnalyticsRange, AnalyticsError> {
    AnalyticsRange::read(asked.args().map_err(|_| AnalyticsError::Arguments(Vec::new()))?)
}

fn range(wanted: AnalyticsRange, now: Timestamp) -> Range {
    let to = wanted.to.map_or(now, instant);
    Range { from: Some(instant(wanted.since)), to, count: MAX_STRETCHES }
}

/// A page may be folded from thousands of rows: too long for a thread that others wait for.
async fn read<T: Send + 'static>(
    read: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let page = tokio::task::spawn_blocking(read).await.map_err(|_| Error::Unavailable)?;
    page.map_err(|error| {
        tracing::warn!(%error, "analytics could not be read");
        Error::Unavailable.into()
    })
}

/// The answer of a type; without a contract there are no rows.
fn written(kind: AnalyticsType, instrument: Option<&Instrument>, page: FiguresPage<Figures>) -> Vec<u8> {
    let FiguresPage { lead, rows, more } = page;
    let spec = instrument.map(Instrument::spec);
    let data = told(kind, spec, &rows, lead);
    let unit = match kind {
        AnalyticsType::Funding => Timestamp::SECOND / 1_000,
        _ => Timestamp::SECOND,
    };
    let mut body = Vec::with_capacity(64 + 64 * rows.len());
    write_analytics(&mut body, rows[lead..].iter().map(|(opened, _)| opened.0 / unit), more, &data);
    body
}

type Rows<'r> = &'r [(Timestamp, Figures)];

/// What is told of each stretch but the first `lead`.
fn told(kind: AnalyticsType, spec: Option<&InstrumentSpec>, all: Rows<'_>, lead: usize) -> Data {
    let rows = &all[lead..];
    let lots = |lots: i128| spec.map(|spec| volume(lots, spec));
    let series = |of: &dyn Fn(&Figures) -> Option<Decimal>| {
        Data::Series(rows.iter().map(|(_, figures)| of(figures)).collect())
    };
    match kind {
        AnalyticsType::OpenInterest => ohlc(rows, |figures| Some(figures.open_interest), lots),
        AnalyticsType::AggressorDifferential => series(&|figures| lots(figures.bought - figures.sold)),
        AnalyticsType::TradeVolume => series(&|figures| lots(figures.bought + figures.sold)),
        AnalyticsType::TradeCount => Data::Counts(rows.iter().map(|(_, figures)| figures.trades).collect()),
        AnalyticsType::LiquidationVolume => series(&|figures| lots(figures.liquidated)),
        AnalyticsType::RollingVolatility => Data::Series(volatility(all, lead)),
        AnalyticsType::LongShortRatio => series(&|figures| ratio(figures.holders)),
        AnalyticsType::LongShortInfo => {
            let interest = series(&|figures| lots(figures.open_interest.close));
            sides(rows, |figures| figures.holders, interest)
        }
        AnalyticsType::CumulativeVolumeDelta => Data::Members(vec![
            ("buy_volume", series(&|figures| lots(figures.bought))),
            ("sell_volume", series(&|figures| lots(figures.sold))),
            ("cvd", series(&|figures| lots(figures.delta))),
        ]),
        AnalyticsType::TopTraders => {
            let interest = series(&|figures| lots(figures.largest.lots));
            Data::Members(vec![("top20Percent", sides(rows, |figures| figures.largest, interest))])
        }
        AnalyticsType::Orderbook => book(spec, rows, Spelling::Camel, [true; 3]),
        AnalyticsType::Spreads => book(spec, rows, Spelling::Snake, [true, false, false]),
        AnalyticsType::Liquidity => book(spec, rows, Spelling::Snake, [false, true, false]),
        AnalyticsType::Slippage => book(spec, rows, Spelling::Snake, [false, false, true]),
        AnalyticsType::FutureBasis => {
            let basis = |figures: &Figures| Some(Decimal::new(figures.mark?.0 - figures.index?.0, 18));
            Data::Members(vec![("basis", series(&basis))])
        }
        AnalyticsType::Funding => {
            let rate = |value| Some(rate(value));
            Data::Members(vec![
                ("rate", ohlc(rows, |figures| figures.rates.map(|rates| rates.absolute), rate)),
                ("relativeRate", ohlc(rows, |figures| figures.rates.map(|rates| rates.relative), rate)),
            ])
        }
    }
}

fn ohlc(
    rows: Rows<'_>,
    of: impl Fn(&Figures) -> Option<Ohlc>,
    shown: impl Fn(i128) -> Option<Decimal>,
) -> Data {
    let row = |(_, figures): &(Timestamp, Figures)| match of(figures) {
        Some(Ohlc { open, high, low, close }) => [open, high, low, close].map(&shown),
        None => [None; 4],
    };
    Data::Ohlc(rows.iter().map(row).collect())
}

/// Accounts by the side of their position.
fn sides(rows: Rows<'_>, of: impl Fn(&Figures) -> Holders, open_interest: Data) -> Data {
    let all: Vec<Holders> = rows.iter().map(|(_, figures)| of(figures)).collect();
    let counts = |of: fn(&Holders) -> u32| Data::Counts(all.iter().map(|one| of(one).into()).collect());
    let series = |of: fn(Holders) -> Option<Decimal>| Data::Series(all.iter().map(|one| of(*one)).collect());
    Data::Members(vec![
        ("openInterest", open_interest),
        ("longCount", counts(|of| of.longs)),
        ("shortCount", counts(|of| of.shorts)),
        ("longPercent", series(|of| Some(Decimal::new(long_percent(of)?, 4)))),
        ("shortPercent", series(|of| Some(Decimal::new(1_000_000 - long_percent(of)?, 4)))),
        ("ratio", series(ratio)),
    ])
}

/// In units of 1e-4 per cent, half to even; none where nobody holds anything.
fn long_percent(of: Holders) -> Option<i128> {
    half_even(i128::from(of.longs) * 1_000_000, i128::from(of.longs) + i128::from(of.shorts))
}

/// Longs for each short, at 8 decimals, half to even; none where nobody is short.
fn ratio(of: Holders) -> Option<Decimal> {
    let units = half_even(i128::from(of.longs) * 100_000_000, of.shorts.into())?;
    Some(Decimal::new(units, 8))
}

/// `a / b` rounded half to even, of numbers that are not negative and below 2^126; none by zero.
fn half_even(a: i128, b: i128) -> Option<i128> {
    let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    let up = match (rest * 2).cmp(&b) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => quotient & 1,
    };
    Some(quotient + up)
}

/// Both sides of the book: best price, volumes, average prices, those of them that are `shown`.
fn book(spec: Option<&InstrumentSpec>, rows: Rows<'_>, spelling: Spelling, shown: [bool; 3]) -> Data {
    let side = |of: fn(&Figures) -> &SideOfBook| {
        let series = |value: &dyn Fn(&SideOfBook, &InstrumentSpec) -> Option<Decimal>| {
            let value = |(_, figures): &(Timestamp, Figures)| value(of(figures), spec?);
            Data::Series(rows.iter().map(value).collect())
        };
        let mut members = Vec::new();
        if shown[0] {
            members.push((best_price(spelling), series(&|side, spec| Some(price(side.best?, spec)))));
        }
        if shown[1] {
            let named = liquidity(spelling).into_iter().enumerate();
            let within =
                |at: usize| series(&move |side, spec| side.within.get(at).map(|lots| volume(*lots, spec)));
            members.extend(named.map(|(at, name)| (name, within(at))));
        }
        if shown[2] {
            let named = slippage(spelling).into_iter().zip(0..AVERAGE_OF.len());
            let average = |at: usize| series(&move |side, _| side.average[at].map(fine_price));
            members.extend(named.map(|(name, at)| (name, average(at))));
        }
        Data::Members(members)
    };
    Data::Members(vec![("bid", side(|figures| &figures.bids)), ("ask", side(|figures| &figures.asks))])
}

/// The volatility of each stretch but the first `lead`: the standard deviation of its return and of those before it, [`RETURNS`] at
/// most, at 12 decimals, rounded down. A return is that of the mark price from one end of a stretch to the next. None where there
/// are fewer than two.
fn volatility(rows: Rows<'_>, lead: usize) -> Vec<Option<Decimal>> {
    let mark = |at: usize| rows[at].1.mark.map(|mark| mark.0);
    // Of the stretch at this place; rounded towards zero.
    let change = |at: usize| -> Option<i128> {
        let (before, after) = (mark(at.checked_sub(1)?)?, mark(at)?);
        // In two steps, so that it fits for every price.
        let (whole, rest) = ((after - before) / before, (after - before) % before * RETURN_HALF);
        let change = whole * RETURN_ONE + rest / before * RETURN_HALF + rest % before * RETURN_HALF / before;
        (change.abs() <= RETURN_MOST).then_some(change)
    };
    let changes: Vec<Option<i128>> = (0..rows.len()).map(change).collect();
    let deviation = |at: usize| {
        let from = (at + 1).saturating_sub(RETURNS as usize);
        let window: Vec<i128> = changes[from..=at].iter().rev().map_while(|change| *change).collect();
        let count = window.len() as i128;
        // n x the sum of squares less the square of the sum is n^2 x the variance.
        let (sum, squares) =
            window.iter().fold((0, 0), |(sum, squares), one| (sum + one, squares + one * one));
        (count > 1).then(|| Decimal::new((count * squares - sum * sum).isqrt() / count, 12))
    };
    (lead..rows.len()).map(deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use loligo_engine::FinePrice;

    fn marked(marks: &[Option<i128>]) -> Vec<(Timestamp, Figures)> {
        let figures = |mark: Option<i128>| Figures {
            mark: mark.map(|mark| FinePrice(mark * 10_i128.pow(18))),
            ..Figures::default()
        };
        marks.iter().map(|mark| (Timestamp(0), figures(*mark))).collect()
    }

    fn told(marks: &[Option<i128>], lead: usize) -> Vec<Option<String>> {
        let told = volatility(&marked(marks), lead);
        told.into_iter().map(|value| value.map(|value| value.to_string())).collect()
    }

    #[test]
    fn volatility_is_the_deviation_of_returns_of_the_mark() {
        let some = |text: &str| Some(text.to_owned());
        // Returns of +10% and -10%: a mean of nothing, a deviation of 10%.
        assert_eq!(told(&[Some(100), Some(110), Some(99)], 0), [None, None, some("0.1")]);
        // 0, 0.1 and 0.2: a mean of 0.1, a variance of 0.02/3.
        assert_eq!(told(&[Some(100), Some(100), Some(110), Some(132)], 3), [some("0.081649658092")]);
        // A price that stands does not move.
        assert_eq!(told(&[Some(100); 4], 2), [some("0"), some("0")]);
        // Before there was a mark there is no return.
        assert_eq!(told(&[None, Some(100), Some(110), Some(99)], 2), [None, some("0.1")]);
        assert_eq!(told(&[Some(1), Some(1_000_000), Some(1_000_000), Some(1_000_000)], 2), [None, some("0")]);
    }

    #[test]
    fn twenty_returns_count_and_no_more() {
        let mut marks = vec![Some(100), Some(200)];
        marks.extend([Some(200); 21]);
        let told = told(&marks, 19);
        assert_ne!(told[0], Some("0".to_owned()), "the jump is the nineteenth return back");
        assert_ne!(told[1], Some("0".to_owned()), "and the twentieth");
        assert_eq!(told[2], Some("0".to_owned()));
    }

    #[test]
    fn the_largest_returns_fit() {
        // From the least price to the greatest that a return is counted with, and back.
        let low = 10_i128.pow(8);
        let rows: Vec<(Timestamp, Figures)> = (0..40)
            .map(|at| if at % 2 == 0 { low } else { low * 100_000 })
            .map(|mark| (Timestamp(0), Figures { mark: Some(FinePrice(mark)), ..Figures::default() }))
            .collect();
        let told = volatility(&rows, 39);
        assert_eq!(told[0].map(|value| value.to_string()).as_deref(), Some("49999.999995"));
    }

    #[test]
    fn parts_are_rounded_half_to_even_and_make_a_whole() {
        let of = |longs, shorts| Holders { longs, shorts, lots: 0 };
        for (longs, shorts, percents, ratio_wanted) in [
            (1, 1, Some((500_000, 500_000)), Some("1")),
            (1, 2, Some((333_333, 666_667)), Some("0.5")),
            (2, 3, Some((400_000, 600_000)), Some("0.66666667")),
            (3, 0, Some((1_000_000, 0)), None),
            (0, 3, Some((0, 1_000_000)), Some("0")),
            (0, 0, None, None),
        ] {
            let long = long_percent(of(longs, shorts));
            assert_eq!(long.map(|long| (long, 1_000_000 - long)), percents, "{longs} and {shorts}");
            let ratio = ratio(of(longs, shorts)).map(|ratio| ratio.to_string());
            assert_eq!(ratio.as_deref(), ratio_wanted, "{longs} and {shorts}");
        }
        assert_eq!([half_even(5, 2), half_even(7, 2), half_even(1, 0)], [Some(2), Some(4), None]);
    }
}
