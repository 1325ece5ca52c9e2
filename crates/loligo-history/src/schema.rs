//! The tables, and the file they are in.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};

use crate::columns::Columns as _;
use crate::error::Error;
use crate::rows::{List, OpenOrder, causes, kinds, lists};

/// The stored format. A change of anything in `docs/history.md` gives it another number, and the index is made anew from the
/// journal.
pub const FORMAT: u32 = 2;
/// "LoHi", for tools that tell files apart.
const APPLICATION_ID: u32 = 0x4c6f_4869;

const TABLES: &str = "
CREATE TABLE venue (token_key BLOB NOT NULL) STRICT;
CREATE TABLE progress (
    branch INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    folded INTEGER NOT NULL,
    begun_ms INTEGER
) STRICT;
CREATE TABLE gap (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, until_ms INTEGER NOT NULL) STRICT;
CREATE TABLE contract (
    contract INTEGER PRIMARY KEY,
    symbol TEXT NOT NULL,
    tick REAL NOT NULL,
    tick_digits INTEGER NOT NULL,
    lot REAL NOT NULL,
    lot_digits INTEGER NOT NULL,
    spec BLOB NOT NULL
) STRICT;
CREATE TABLE house (account INTEGER PRIMARY KEY) STRICT;
CREATE TABLE word (list TEXT NOT NULL, code INTEGER NOT NULL, word TEXT NOT NULL, PRIMARY KEY (list, code))
    STRICT, WITHOUT ROWID;
";

/// Views for people: symbols, words, and decimal numbers as far as a tool's own numbers carry them.
const VIEWS: &str = "
CREATE VIEW orders AS SELECT
    account, strftime('%FT%T', time_ms / 1000, 'unixepoch') || printf('.%03dZ', time_ms % 1000) AS time, symbol,
    (SELECT word FROM word WHERE list = 'kind' AND code = e.kind) AS event,
    (SELECT word FROM word WHERE list = 'reason' AND code = e.reason) AS reason,
    (SELECT word FROM word WHERE list = 'error' AND code = e.error) AS error,
    order_number AS number, order_client_id AS client_id, iif(order_sell, 'sell', 'buy') AS side,
    coalesce(round(order_qty * lot, lot_digits), asked_qty) AS size,
    round(order_filled * lot, lot_digits) AS filled,
    coalesce(round(order_price * tick, tick_digits), asked_price) AS price
    FROM order_event AS e LEFT JOIN contract USING (contract);
CREATE VIEW fills AS SELECT
    account, strftime('%FT%T', time_ms / 1000, 'unixepoch') || printf('.%03dZ', time_ms % 1000) AS time, symbol,
    number, iif(order_sell, 'sell', 'buy') AS side, iif(maker, 'maker', 'taker') AS role,
    round(qty * lot, lot_digits) AS size, round(price * tick, tick_digits) AS price,
    mark, usd_value, fee, realized_pnl, round(position * lot, lot_digits) AS position,
    order_number, order_client_id AS client_id
    FROM execution JOIN contract USING (contract);
CREATE VIEW trades AS SELECT
    symbol, strftime('%FT%T', time_ms / 1000, 'unixepoch') || printf('.%03dZ', time_ms % 1000) AS time,
    number, iif(sell, 'sell', 'buy') AS side,
    round(qty * lot, lot_digits) AS size, round(price * tick, tick_digits) AS price, usd_cents / 100.0 AS usd_value
    FROM public_execution JOIN contract USING (contract);
";

impl List {
    fn create(&self) -> String {
        let Self { table, owner, columns, .. } = self;
        format!(
            "CREATE TABLE {table} (\n    {owner} INTEGER NOT NULL,\n    time_ms INTEGER NOT NULL,\n    \
             sequence INTEGER NOT NULL,\n    ordinal INTEGER NOT NULL,\n    branch INTEGER NOT NULL,\n    {},\n    \
             PRIMARY KEY ({owner}, time_ms, sequence, ordinal)\n) STRICT, WITHOUT ROWID;\n",
            columns.join(",\n    ")
        )
    }

    /// The statement that writes a row: owner, time, sequence, ordinal, branch, and what the row has.
    pub(crate) fn insert(&self) -> String {
        let values = vec!["?"; self.width + 5].join(", ");
        format!("INSERT INTO {} VALUES ({values})", self.table)
    }
}

/// The table of open orders.
fn open_orders() -> String {
    let mut columns = Vec::new();
    OpenOrder::define("", false, &mut columns);
    format!(
        "CREATE TABLE open_order (\n    {},\n    PRIMARY KEY (order_number)\n) STRICT, WITHOUT ROWID;\n",
        columns.join(",\n    ")
    )
}

/// The files of an index: the database, its log and the index of that.
fn files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Removes an index, all of its files.
///
/// # Errors
/// When one is there and cannot be removed.
pub fn remove(path: &Path) -> std::io::Result<()> {
    for file in files(path) {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Opens the database for writing, making it with this key when there is none. Answers the key that it was made with; and why
/// what was there was thrown away, if it was: an index of another format, or none at all.
pub(crate) fn open(path: &Path, key: [u8; 32]) -> Result<(Connection, [u8; 32], Option<String>), Error> {
    make_private(path)?;
    let connection = Connection::open(path)?;
    let why = match check(&connection) {
        Ok(State::Ours(key)) => {
            prepare(&connection)?;
            return Ok((connection, key, None));
        }
        Ok(State::Empty) => {
            prepare(&connection)?;
            create(&connection, &key)?;
            return Ok((connection, key, None));
        }
        Ok(State::Format(format)) => {
            format!("it has format {format}, and this version writes format {FORMAT}")
        }
        Err(error) => error.to_string(),
    };
    drop(connection);
    remove(path)?;
    make_private(path)?;
    let connection = Connection::open(path)?;
    prepare(&connection)?;
    create(&connection, &key)?;
    Ok((connection, key, Some(why)))
}

/// What a file is.
enum State {
    Ours([u8; 32]),
    Empty,
    Format(u32),
}

fn check(connection: &Connection) -> rusqlite::Result<State> {
    let format: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format != FORMAT {
        let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        return Ok(if tables == 0 && format == 0 { State::Empty } else { State::Format(format) });
    }
    connection.query_row("SELECT token_key FROM venue, progress", [], |row| row.get(0)).map(State::Ours)
}

/// Makes the file for its owner alone; SQLite gives its log the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Sets what a connection that writes needs. The log is synced when it is taken over, not at each commit: a killed process loses
/// nothing, and what a power cut takes is made again from the journal.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         PRAGMA journal_size_limit = 67108864;",
    )
}

/// Makes the tables, as one: a kill leaves them all or none.
pub(crate) fn create(connection: &Connection, key: &[u8; 32]) -> rusqlite::Result<()> {
    let tables: String = lists().iter().map(List::create).collect();
    let open = open_orders();
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(&format!(
        "{TABLES}{open}{tables}{VIEWS}
         CREATE UNIQUE INDEX account_log_number ON account_log (account, number);
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};
         INSERT INTO progress VALUES (0, 0, 0, 0, NULL);"
    ))?;
    transaction.execute("INSERT INTO venue VALUES (?1)", [key])?;
    name_words(&transaction, "kind", kinds::NAMES.iter().copied())?;
    name_words(&transaction, "cause", causes::NAMES.iter().copied())?;
    transaction.commit()
}

/// Names the codes of a list, for people.
pub(crate) fn name_words<'w>(
    connection: &Connection,
    list: &str,
    words: impl IntoIterator<Item = (u8, &'w str)>,
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO word VALUES (?1, ?2, ?3)")?;
    for (code, word) in words {
        insert.execute(params![list, code, word])?;
    }
    Ok(())
}

/// A connection that only reads.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(1))?;
    Ok(connection)
}
