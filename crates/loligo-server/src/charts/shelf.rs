//! Where candles are kept: one table of an SQLite database, in plain rows that any tool can read.
//!
//! Kept are candles of a minute for [`MINUTES_KEPT_DAYS`] days, and of five minutes, an hour and a day for good; all other
//! lengths are folded from those. A stretch in which nothing happened has no row. A market in which everything moves all the
//! time grows by 313 rows a day and series, beyond its minutes.

use super::{Candle, Resolution, Row, Rows, Series};
use loligo_engine::{FinePrice, InstrumentId, PairId, Timestamp};
use loligo_wire::decimal::{Decimal, Number};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

/// How long candles of a minute are kept. Of each series the newest older one stays, too: it is the price that stood.
pub(crate) const MINUTES_KEPT_DAYS: i64 = 30;

/// `opened` is in epoch seconds; prices are decimal numbers; `volume` is in lots, which may be more than an integer holds.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS candles (
        tick_type TEXT NOT NULL CHECK (tick_type IN ('trade', 'mark', 'spot')),
        number INTEGER NOT NULL,
        minutes INTEGER NOT NULL,
        opened INTEGER NOT NULL,
        open TEXT NOT NULL,
        high TEXT NOT NULL,
        low TEXT NOT NULL,
        close TEXT NOT NULL,
        volume TEXT NOT NULL,
        PRIMARY KEY (tick_type, number, minutes, opened)
    ) STRICT, WITHOUT ROWID";

/// The table of candles in an open database. Whoever writes decides about transactions.
#[derive(Clone, Copy)]
pub(crate) struct Shelf<'c> {
    connection: &'c Connection,
}

impl<'c> Shelf<'c> {
    /// The table of this database, which is made if it is not there and may be written.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn create(connection: &'c Connection) -> rusqlite::Result<Self> {
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection })
    }

    /// The table of a database that has one.
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self { connection }
    }

    /// Keeps rows, each in the place of the one that is there for its time.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn put(self, rows: &[Row]) -> rusqlite::Result<()> {
        let mut put = self
            .connection
            .prepare_cached("INSERT OR REPLACE INTO candles VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
        for Row { series, resolution, candle } in rows {
            let (tick_type, number) = named(*series);
            let price = |price: FinePrice| Decimal::new(price.0, 18).to_string();
            put.execute(params![
                tick_type,
                number,
                resolution.minutes(),
                seconds(candle.opened),
                price(candle.open),
                price(candle.high),
                price(candle.low),
                price(candle.close),
                candle.volume.to_string(),
            ])?;
        }
        Ok(())
    }

    /// Drops the candles of a minute that are too old at `now`.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn prune(self, now: Timestamp) -> rusqlite::Result<()> {
        let horizon = seconds(now) - MINUTES_KEPT_DAYS * 86_400;
        for series in self.series()? {
            let (tick_type, number) = named(series);
            self.connection.execute(
                "DELETE FROM candles WHERE tick_type = ?1 AND number = ?2 AND minutes = 1 AND opened < (
                    SELECT max(opened) FROM candles
                    WHERE tick_type = ?1 AND number = ?2 AND minutes = 1 AND opened < ?3)",
                params![tick_type, number, horizon],
            )?;
        }
        Ok(())
    }

    fn select(
        self,
        series: Series,
        kept: Resolution,
        from: i64,
        to: i64,
        order: &str,
    ) -> rusqlite::Result<Vec<Candle>> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT opened, open, high, low, close, volume FROM candles
             WHERE tick_type = ?1 AND number = ?2 AND minutes = ?3 AND opened BETWEEN ?4 AND ?5 ORDER BY opened {order}"
        ))?;
        let (tick_type, number) = named(series);
        let rows = select.query_map(params![tick_type, number, kept.minutes(), from, to], |row| {
            let price = |column: usize| -> rusqlite::Result<FinePrice> {
                let text: String = row.get(column)?;
                let number = Number::parse(text.as_bytes()).ok().and_then(Number::decimal);
                number
                    .and_then(|number| number.at_scale(18).ok())
                    .map(FinePrice)
                    .ok_or_else(|| unreadable(column))
            };
            let volume: String = row.get(5)?;
            Ok(Candle {
                opened: Timestamp(row.get::<_, i64>(0)?.saturating_mul(Timestamp::SECOND)),
                open: price(1)?,
                high: price(2)?,
                low: price(3)?,
                close: price(4)?,
                volume: volume.parse().map_err(|_| unreadable(5))?,
            })
        })?;
        rows.collect()
    }
}

fn unreadable(column: usize) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(column, "a number".into(), Type::Text)
}

/// How a series is named in a row: what it is made of, and the number of its contract or pair.
fn named(series: Series) -> (&'static str, i64) {
    match series {
        Series::Trade(InstrumentId(number)) => ("trade", number.into()),
        Series::Mark(InstrumentId(number)) => ("mark", number.into()),
        Series::Spot(PairId(number)) => ("spot", number.into()),
    }
}

fn seconds(time: Timestamp) -> i64 {
    time.0.div_euclid(Timestamp::SECOND)
}

impl Rows for Shelf<'_> {
    type Error = rusqlite::Error;

    fn series(&self) -> rusqlite::Result<Vec<Series>> {
        // From one to the next along the key: to look at every row for what is distinct would take seconds.
        let mut next = self.connection.prepare_cached(
            "SELECT tick_type, number FROM candles WHERE (tick_type, number) > (?1, ?2)
             ORDER BY tick_type, number LIMIT 1",
        )?;
        let mut found = Vec::new();
        loop {
            let (tick_type, number) = found.last().map_or(("", 0), |series| named(*series));
            let series = next.query_row(params![tick_type, number], |row| {
                let number = row.get(1)?;
                Ok(match row.get_ref(0)?.as_str()? {
                    "trade" => Series::Trade(InstrumentId(number)),
                    "mark" => Series::Mark(InstrumentId(number)),
                    _ => Series::Spot(PairId(number)),
                })
            });
            match series.optional()? {
                Some(series) => found.push(series),
                None => return Ok(found),
            }
        }
    }

    fn between(
        &self,
        series: Series,
        kept: Resolution,
        from: Timestamp,
        to: Timestamp,
    ) -> rusqlite::Result<Vec<Candle>> {
        self.select(series, kept, seconds(from), seconds(to), "ASC")
    }

    fn before(&self, series: Series, kept: Resolution, time: Timestamp) -> rusqlite::Result<Option<Candle>> {
        let to = seconds(Timestamp(time.0 - 1));
        Ok(self.select(series, kept, i64::MIN, to, "DESC LIMIT 1")?.pop())
    }

    fn first(&self, series: Series, kept: Resolution) -> rusqlite::Result<Option<Candle>> {
        Ok(self.select(series, kept, i64::MIN, i64::MAX, "ASC LIMIT 1")?.pop())
    }
}
