//! What the index promises, seen from outside.

mod fixture;
mod index;
mod model;
mod tokens;
