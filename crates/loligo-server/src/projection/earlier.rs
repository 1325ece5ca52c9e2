//! What snapshots held of the views before each follower had a part of its own: read, never written.

use super::Part;
use super::fills::FillRow;
use super::markets::Past;
use loligo_engine::AccountId;
use serde::Deserialize;

/// Fills and markets, in the layouts that are the first versions of their parts.
#[derive(Deserialize)]
pub(crate) struct EarlierViews {
    fills: Vec<(AccountId, Vec<FillRow>)>,
    contracts: Vec<Past>,
}

impl From<EarlierViews> for [Part; 2] {
    fn from(views: EarlierViews) -> Self {
        let EarlierViews { fills, contracts } = views;
        [Part::of("fills", 1, &fills), Part::of("markets", 1, &contracts)]
    }
}
