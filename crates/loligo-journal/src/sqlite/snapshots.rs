//! Snapshots as files beside the database: a body of many megabytes must not go through the log that the writer
//! syncs, and a file can be written, checked and removed by itself.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::branches::{Branch, FIRST_BRANCH, Segment, history};
use crate::error::JournalError;
use crate::journal::{Newest, SnapshotInfo, Snapshots};
use crate::sqlite::chain::Hash;
use crate::sqlite::paths::{Paths, io_error, private, remove_if_there, sync_dir};
use crate::sqlite::prune::{self, Shared};
use crate::sqlite::store::{Access, Store};

const MAGIC: &[u8; 8] = b"LoligoSn";
const VERSION: u64 = 1;
const HEADER: usize = 136;
const SUFFIX: &str = ".snapshot";
const UNFINISHED: &str = ".unfinished";
/// Added to the name of a snapshot that was not taken of the journal beside it, so that nobody looks at it again.
const FOREIGN: &str = ".foreign";

/// The first bytes of a snapshot file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) info: SnapshotInfo,
    /// Hash of the row that holds the record the snapshot was taken at; zeros at record 0.
    pub(crate) row_hash: Hash,
    body_hash: Hash,
}

impl Header {
    fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        let numbers = [VERSION, self.info.branch, self.info.sequence, self.info.bytes];
        for (index, number) in numbers.into_iter().enumerate() {
            bytes[8 + 8 * index..][..8].copy_from_slice(&number.to_le_bytes());
        }
        bytes[40..72].copy_from_slice(&self.row_hash);
        bytes[72..104].copy_from_slice(&self.body_hash);
        let check = *blake3::hash(&bytes[..104]).as_bytes();
        bytes[104..].copy_from_slice(&check);
        bytes
    }

    fn decode(bytes: &[u8; HEADER]) -> Option<Self> {
        let number = |at: usize| bytes[at..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let right = &bytes[..8] == MAGIC
            && bytes[104..] == *blake3::hash(&bytes[..104]).as_bytes()
            && number(8)? == VERSION;
        right.then_some(Self {
            info: SnapshotInfo { branch: number(16)?, sequence: number(24)?, bytes: number(32)? },
            row_hash: *bytes[40..].first_chunk()?,
            body_hash: *bytes[72..].first_chunk()?,
        })
    }
}

fn file_name(info: &SnapshotInfo) -> String {
    format!("{:06}-{:016}{SUFFIX}", info.branch, info.sequence)
}

/// Where the file of a snapshot is.
pub(crate) fn path_of(paths: &Paths, info: &SnapshotInfo) -> PathBuf {
    paths.snapshots.join(file_name(info))
}

/// Branch and record of the snapshot that a file of this name holds, finished or not, put aside or not; `None` when no
/// journal makes such a name.
pub(crate) fn place_of(name: &str) -> Option<(u64, u64)> {
    let name = name.strip_suffix(FOREIGN).unwrap_or(name);
    let stem = name.strip_suffix(SUFFIX).or_else(|| name.strip_suffix(UNFINISHED))?;
    let (branch, sequence) = stem.split_once('-')?;
    let info = SnapshotInfo { branch: branch.parse().ok()?, sequence: sequence.parse().ok()?, bytes: 0 };
    (file_name(&info).strip_suffix(SUFFIX) == Some(stem)).then_some((info.branch, info.sequence))
}

/// The snapshot files in the folder, by name.
pub(crate) fn files(paths: &Paths) -> Result<Vec<PathBuf>, JournalError> {
    let trouble = || io_error("list the folder", &paths.snapshots);
    let entries = match fs::read_dir(&paths.snapshots) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(trouble()(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(trouble())?.path();
        if path.to_string_lossy().ends_with(SUFFIX) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads the header of one file; `None` when it is not whole.
fn read_header(path: &Path, file: &mut File) -> Result<Option<Header>, JournalError> {
    let mut bytes = [0; HEADER];
    match file.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(io_error("read", path)(error)),
    }
    // A file under another's name is not the snapshot it says it is.
    Ok(Header::decode(&bytes).filter(|header| path.ends_with(file_name(&header.info))))
}

/// All headers that can be read, oldest place first.
pub(crate) fn headers(paths: &Paths) -> Result<Vec<Header>, JournalError> {
    let mut headers = Vec::new();
    for path in files(paths)? {
        let mut file = File::open(&path).map_err(io_error("open", &path))?;
        headers.extend(read_header(&path, &mut file)?);
    }
    headers.sort_by_key(|header| (header.info.sequence, header.info.branch));
    Ok(headers)
}

/// The headers on the history of `branch`, oldest place first.
pub(crate) fn headers_of(
    paths: &Paths,
    branches: &[Branch],
    branch: u64,
) -> Result<Vec<Header>, JournalError> {
    let segments = history(branches, branch).unwrap_or_default();
    let mut headers = headers(paths)?;
    headers.retain(|header| lies_on(&segments, &header.info));
    Ok(headers)
}

/// Whether a snapshot was taken of this journal: the row of its record is the one that is there.
pub(crate) fn is_of(store: &Store, header: &Header) -> Result<bool, JournalError> {
    if header.info.sequence == 0 {
        return Ok(true);
    }
    let row = store.row_at_or_before(header.info.branch, header.info.sequence)?;
    Ok(row.is_some_and(|row| row.last() >= header.info.sequence && row.hash == header.row_hash))
}

/// Puts aside the snapshots up to `until` that were not taken of this journal: they would keep it from opening.
pub(crate) fn put_foreign_aside(
    store: &Store,
    paths: &Paths,
    branch: u64,
    until: u64,
) -> Result<(), JournalError> {
    for header in headers_of(paths, &store.branches, branch)? {
        if header.info.sequence <= until && !is_of(store, &header)? {
            let path = path_of(paths, &header.info);
            let mut aside = path.clone().into_os_string();
            aside.push(FOREIGN);
            fs::rename(&path, aside).map_err(io_error("put aside", &path))?;
        }
    }
    sync_dir(&paths.snapshots)
}

/// Whether a snapshot was taken on this history.
pub(crate) fn lies_on(segments: &[Segment], info: &SnapshotInfo) -> bool {
    info.sequence == 0
        || segments.iter().any(|s| s.branch == info.branch && (s.from..=s.to).contains(&info.sequence))
}

/// Reads a whole snapshot and checks it; `Err` in words when it is damaged.
pub(crate) fn load(path: &Path) -> Result<Result<(Header, Vec<u8>), &'static str>, JournalError> {
    let mut file = File::open(path).map_err(io_error("open", path))?;
    let Some(header) = read_header(path, &mut file)? else {
        return Ok(Err("its header is not what was written"));
    };
    let mut body = Vec::new();
    // One byte more than there should be, to notice a file that is too long.
    file.take(header.info.bytes.saturating_add(1)).read_to_end(&mut body).map_err(io_error("read", path))?;
    if body.len() as u64 != header.info.bytes {
        return Ok(Err("its length is not what was written"));
    }
    if *blake3::hash(&body).as_bytes() != header.body_hash {
        return Ok(Err("its body is not what was written"));
    }
    Ok(Ok((header, body)))
}

/// Removes what a killed process left half written.
pub(crate) fn remove_unfinished(paths: &Paths) -> Result<(), JournalError> {
    let trouble = || io_error("list the folder", &paths.snapshots);
    for entry in fs::read_dir(&paths.snapshots).map_err(trouble())? {
        let path = entry.map_err(trouble())?.path();
        if path.to_string_lossy().ends_with(UNFINISHED) {
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

/// [`Snapshots`] of one branch of a journal in a folder.
#[derive(Debug)]
pub(crate) struct FileSnapshots {
    paths: Paths,
    access: Access,
    branch: u64,
    segments: Vec<Segment>,
    /// `None` for a journal that is only read.
    shared: Option<Arc<Shared>>,
}

impl FileSnapshots {
    pub(crate) fn new(
        paths: Paths,
        access: Access,
        branch: u64,
        segments: Vec<Segment>,
        shared: Option<Arc<Shared>>,
    ) -> Self {
        Self { paths, access, branch, segments, shared }
    }

    fn row_hash(&self, sequence: u64) -> Result<(u64, Hash), JournalError> {
        if sequence == 0 {
            return Ok((FIRST_BRANCH, [0; 32]));
        }
        let store = Store::open(&self.paths, self.access)?;
        let segment = self.segments.iter().find(|s| (s.from..=s.to).contains(&sequence));
        let branch = segment.map_or(self.branch, |segment| segment.branch);
        match store.row_at_or_before(branch, sequence)? {
            Some(row) if row.last() >= sequence => Ok((branch, row.hash)),
            _ if store.cut_at(branch, sequence)?.is_some() => Err(JournalError::Pruned {
                asked: sequence,
                purpose: "keep a snapshot of",
                kept: store.kept_from(self.branch)?,
            }),
            _ => Err(JournalError::NoSuchPlace {
                asked: sequence,
                purpose: "keep a snapshot of",
                last: store.last_of(self.branch)?,
            }),
        }
    }
}

impl Snapshots for FileSnapshots {
    fn put(&self, sequence: u64, body: &[u8]) -> Result<(), JournalError> {
        let (branch, row_hash) = self.row_hash(sequence)?;
        let info = SnapshotInfo { branch, sequence, bytes: body.len() as u64 };
        let path = path_of(&self.paths, &info);
        let unfinished = path.with_extension(&UNFINISHED[1..]);
        let header = Header { info, row_hash, body_hash: *blake3::hash(body).as_bytes() };
        let write = || {
            let mut file = private().truncate(true).open(&unfinished)?;
            file.write_all(&header.encode())?;
            file.write_all(body)?;
            file.sync_all()
        };
        if let Err(error) = write() {
            // A full disk must not stay full of half a snapshot; the first error is the one worth telling.
            let _ = fs::remove_file(&unfinished);
            return Err(io_error("write", &unfinished)(error));
        }
        fs::rename(&unfinished, &path).map_err(io_error("rename", &unfinished))?;
        sync_dir(&self.paths.snapshots)
    }

    fn list(&self) -> Result<Vec<SnapshotInfo>, JournalError> {
        let headers = headers(&self.paths)?.into_iter().map(|header| header.info);
        Ok(headers.filter(|info| lies_on(&self.segments, info)).collect())
    }

    fn newest(&self, sequence: u64) -> Result<Newest, JournalError> {
        let mut newest = Newest::default();
        // By their names, so that one whose header is broken is told, too.
        let mut places = Vec::new();
        for path in files(&self.paths)? {
            let place = path.file_name().and_then(|name| place_of(name.to_str()?));
            let Some((branch, taken)) = place else { continue };
            let info = SnapshotInfo { branch, sequence: taken, bytes: 0 };
            if taken <= sequence && lies_on(&self.segments, &info) {
                places.push((taken, branch, path));
            }
        }
        places.sort();
        for (_, _, path) in places.into_iter().rev() {
            let why = match load(&path)? {
                Ok((header, body)) => {
                    if is_of(&Store::open(&self.paths, self.access)?, &header)? {
                        newest.found = Some((header.info, body));
                        return Ok(newest);
                    }
                    "it was not taken of this journal"
                }
                Err(what) => what,
            };
            newest.passed_over.push(format!("{}: {why}", path.display()));
        }
        Ok(newest)
    }

    fn time_us(&self, info: &SnapshotInfo) -> Result<Option<i64>, JournalError> {
        let store = Store::open(&self.paths, self.access)?;
        let row = store.row_at_or_before(info.branch, info.sequence)?;
        Ok(row.filter(|row| row.last() >= info.sequence).map(|row| row.time_us))
    }

    fn remove(&self, info: &SnapshotInfo) -> Result<(), JournalError> {
        remove_if_there(&path_of(&self.paths, info))?;
        sync_dir(&self.paths.snapshots)
    }

    fn prune(&self, before: u64, go_on: &dyn Fn() -> bool) -> Result<u64, JournalError> {
        match &self.shared {
            Some(shared) => prune::prune(&self.paths, shared, self.branch, before, go_on),
            None => Ok(0),
        }
    }
}
