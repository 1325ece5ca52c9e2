//! What the index promises, seen from outside.

mod earlier;
mod fixture;
mod gone;
mod index;
mod model;
mod packed;
mod tokens;
