//! Files that are whole or not there, secret where they must be, and never read without end; and which files of a data
//! folder are ours.

use crate::history::FILE as HISTORY;
use loligo_journal::JournalError;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Files of a data folder beside those of the journal, and the ones they are written aside as.
const SECRETS: [&str; 2] = ["secrets.key", "secrets.new"];
/// What is made of the journal, and can be made again.
const MADE: [&str; 6] = [
    "candles.db",
    "candles.db-wal",
    "candles.db-shm",
    "analytics.db",
    "analytics.db-wal",
    "analytics.db-shm",
];
const AUTHORITY: [&str; 5] = ["ca.pem", "ca.key", "server.pem", "server.key", "server.json"];

/// Reads a file, or a stream such as a pipe, of at most `max` bytes.
///
/// # Errors
/// What the file system says; a device or anything else that may never end, and what is longer, are refused.
pub fn read_bounded(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_fifo() {
        return Err(io::Error::other("it is neither a file nor a pipe"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::other(format!(
            "it holds more than the {max} bytes that such a file may have"
        )));
    }
    Ok(bytes)
}

/// The same for text.
///
/// # Errors
/// As [`read_bounded`]; what is not UTF-8 is refused.
pub fn read_text(path: &Path, max: u64) -> io::Result<String> {
    let bytes = read_bounded(path, max)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"))
}

/// Whether a folder holds a venue, whole or not: anything that a start would have to take for one.
///
/// # Errors
/// What listing it costs.
pub fn holds_venue(data: &Path) -> Result<bool, JournalError> {
    let lock = data.join("journal.lock");
    Ok(loligo_journal::stored_files(data)?.iter().any(|file| *file != lock))
}

/// Removes the venue in a folder: its journal, its snapshots, its history, its candles and analytics and the key of its secrets. The certificate authority stays,
/// since clients have been told to trust it, and so does everything that is not ours.
///
/// # Errors
/// A folder in use, and what removing costs. What was begun can be done again.
pub fn remove_venue(data: &Path) -> Result<(), JournalError> {
    loligo_journal::remove_journal(data)?;
    for path in history_files(data) {
        remove_if_there(path)?;
    }
    for path in SECRETS.iter().chain(&MADE).map(|name| data.join(name)) {
        remove_if_there(path)?;
    }
    Ok(())
}

fn remove_if_there(path: PathBuf) -> Result<(), JournalError> {
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(JournalError::Io { doing: "remove", path, source })
        }
        _ => Ok(()),
    }
}

/// The history index in a folder, with its log and the index of that.
fn history_files(data: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| data.join(format!("{HISTORY}{end}")))
}

/// Takes from everybody but the owner what earlier versions, or a careless copy, left open to others: our files, our
/// folders, and the data folder itself unless somebody keeps other things in it. Tells what could not be closed.
pub(crate) fn make_private(data: &Path) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let folders = ["snapshots", "tls"].map(|name| data.join(name));
    let mut files = loligo_journal::stored_files(data).unwrap_or_default();
    files.extend(SECRETS.iter().chain(&MADE).map(|name| data.join(name)));
    files.extend(history_files(data));
    files.extend(AUTHORITY.map(|name| folders[1].join(name)));
    let is_ours = |entry: PathBuf| files.contains(&entry) || folders.contains(&entry);
    let all_ours = std::fs::read_dir(data)
        .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|entry| is_ours(entry.path()))));
    let data = all_ours.then(|| data.to_path_buf());
    let modes =
        folders.iter().chain(&data).map(|path| (path, 0o700)).chain(files.iter().map(|path| (path, 0o600)));
    let mut open = Vec::new();
    for (path, mode) in modes {
        let Ok(found) = std::fs::symlink_metadata(path) else { continue };
        // Whoever put a link there has chosen the rights of what it leads to.
        if !found.is_symlink()
            && found.permissions().mode() & 0o077 != 0
            && let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        {
            open.push(format!("{} stays open to others on this machine: {error}", path.display()));
        }
    }
    open
}

/// Writes `bytes` aside, makes them durable and renames them into place, for good: a crash leaves the whole file or none. A
/// secret one is readable by its owner only, from its first byte on.
///
/// # Errors
/// Whatever the file system says; the file in place is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8], secret: bool) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let mut aside = name.to_os_string();
    aside.push(format!(".{}.tmp", std::process::id()));
    let aside = path.with_file_name(aside);
    let written = (|| {
        let mut file = create(&aside, secret)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&aside, path)?;
        // A name is the folder's, and is synced with it.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    written
}

fn create(path: &Path, secret: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if secret {
        use std::os::unix::fs::OpenOptionsExt as _;
        // What is left of an interrupted attempt may be open to others.
        let _ = std::fs::remove_file(path);
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    options.open(path)
}
