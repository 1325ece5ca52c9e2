//! What examples and tables of the pages are carried out with.

pub mod tables;
pub mod venue;
