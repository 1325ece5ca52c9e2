//! What a live venue takes up on its disk: after seven exchange days, and for ever.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

/// What journal, snapshots and history may take up together, for ever.
pub const MOST: f64 = 3e9;

/// Days that a venue keeps of its journal at most: a week, the day to the next kept snapshot, and the third of one to the next of all.
const JOURNAL_DAYS: f64 = 8.4;
/// On the machine's clock three commits a second come in. That takes so much more, 135 MB a day in place of 118, than where the clock
/// is moved by hand and many seconds are committed together.
const SMALL_COMMITS: f64 = 1.15;
/// Days for which trades of markets are kept. What else markets have is as long as it gets after two days.
const TRADE_DAYS: f64 = 30.0;
/// Snapshots that are kept at most: one a day of the journal, and the newest two.
const SNAPSHOTS: f64 = 11.0;

/// Bytes that a stopped venue takes up.
pub struct Sizes {
    days: f64,
    journal: f64,
    /// The largest of them.
    snapshot: f64,
    snapshots: f64,
    /// Of the index, without trades of markets.
    history: f64,
    trades: f64,
    reserve: f64,
    pub candles: f64,
}

impl Sizes {
    /// Looks at a folder after so many days.
    pub fn of(folder: &Path, days: u32) -> Self {
        let size = |path: &Path| fs::metadata(path).map_or(0.0, |file| file.len() as f64);
        let file = |name: &str| size(&folder.join(name)) + size(&folder.join(format!("{name}-wal")));
        let snapshots: Vec<f64> = fs::read_dir(folder.join("snapshots"))
            .expect("snapshots")
            .map(|entry| size(&entry.expect("an entry").path()))
            .collect();
        let index = Connection::open(folder.join("history.db")).expect("an index");
        let trades: f64 = index
            .query_row("SELECT sum(pgsize) FROM dbstat WHERE name = 'public_execution'", [], |row| row.get(0))
            .expect("a size");
        Self {
            days: f64::from(days),
            journal: file("journal.db"),
            snapshot: snapshots.iter().copied().fold(0.0, f64::max),
            snapshots: snapshots.iter().sum(),
            history: file("history.db") - trades,
            trades,
            reserve: file("journal.reserve"),
            candles: file("candles.db"),
        }
    }

    /// What there is.
    pub fn now(&self) -> f64 {
        self.journal + self.snapshots + self.history + self.trades + self.reserve
    }

    /// The most that there will ever be of such a venue with so many times its contracts.
    pub fn for_ever(&self, times: f64) -> f64 {
        let journal = self.journal / self.days * JOURNAL_DAYS * SMALL_COMMITS;
        let history = self.history + self.trades / self.days * TRADE_DAYS;
        // Only what comes with time is kept in proportion to it.
        times * (journal + history + SNAPSHOTS * self.snapshot) + self.reserve
    }

    /// A line about it.
    pub fn line(&self) -> String {
        let mega = |bytes: f64| format!("{:.1}", bytes / 1e6);
        format!(
            "{} days: journal {}, snapshots {}, history {} of which trades {}, reserve {}: {} MB; candles beside it {}",
            self.days,
            mega(self.journal),
            mega(self.snapshots),
            mega(self.history + self.trades),
            mega(self.trades),
            mega(self.reserve),
            mega(self.now()),
            mega(self.candles)
        )
    }
}
