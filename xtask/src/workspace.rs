//! Where things are: the repository's root, the build folder, and the files that belong to the project.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Folders that hold no source of ours: build output, run data, installed packages.
const NOT_OURS: [&str; 3] = ["target", "node_modules", "loligo-data"];

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder that cargo builds into, wherever the environment or a cargo configuration put it.
///
/// This program was built there itself, as `<target>/<profile>/xtask`.
pub fn target() -> Result<PathBuf> {
    let program = std::env::current_exe().context("where this program is")?;
    let folder = program.parent().and_then(Path::parent);
    Ok(folder.context("this program is not inside a build folder")?.to_path_buf())
}

/// All files of the project, in a fixed order, as paths relative to the root.
///
/// Folders that begin with a dot are left out, except those that this repository keeps its own files in.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let hidden = name.starts_with('.') && ![".ci", ".cargo", ".config"].contains(&name.as_ref());
            if entry.file_type()?.is_dir() {
                if !hidden && !NOT_OURS.contains(&name.as_ref()) && name != "__pycache__" {
                    open.push(entry.path());
                }
            } else if name != ".git" {
                found.push(entry.path().strip_prefix(root)?.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}
