//! `cargo xtask test`, `bench` and release chores.
fn main() {}
