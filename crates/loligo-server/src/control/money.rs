//! What the operator sets of money that no contract has: the prices of collateral, and the interest on losses.

use super::body::{Exact, read};
use super::verbs::decimal;
use super::{Control, Refused, Trouble};
use loligo_engine::{Command, Exchange, FinePrice, PairId};
use serde::Deserialize;
use serde_json::{Value, json};

/// A pair that prices a currency, and no contract.
pub(super) struct Pair {
    id: PairId,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InterestBody {
    hourly_rate: Exact,
}

impl Control {
    /// Index and mark of a contract, or the index of a pair.
    pub(super) async fn prices_named(&self, name: &str) -> Result<Value, Trouble> {
        match self.pair(name).await? {
            Some(pair) => self.pair_shown(&pair).await,
            None => self.prices(&self.contract(name)?).await,
        }
    }

    /// The pair of a name such as `EUR:USD`, in any case.
    pub(super) async fn pair(&self, name: &str) -> Result<Option<Pair>, Trouble> {
        let name = name.to_ascii_uppercase();
        if !name.contains(':') {
            return Ok(None);
        }
        let asked = name.clone();
        let id = self.node.query(move |exchange| exchange.pair_by_name(&asked)).await?;
        Ok(id.map(|id| Pair { id, name }))
    }

    pub(super) async fn pin_pair(
        &self,
        pair: Pair,
        index: Option<Exact>,
        mark: Option<Exact>,
    ) -> Result<Value, Trouble> {
        let Some(index) = index.filter(|_| mark.is_none()) else {
            return Err(Refused::bad("a pair has an index, and no mark: name an index").into());
        };
        self.order(vec![Command::PinIndex { pair: pair.id, price: Some(index.price()?) }]).await?;
        self.pair_shown(&pair).await
    }

    pub(super) async fn release_pair(&self, pair: Pair) -> Result<Value, Trouble> {
        self.order(vec![Command::PinIndex { pair: pair.id, price: None }]).await?;
        self.pair_shown(&pair).await
    }

    async fn pair_shown(&self, pair: &Pair) -> Result<Value, Trouble> {
        let id = pair.id;
        let seen = self.node.query(move |exchange| exchange.index_of(id)).await?;
        Ok(shown(&pair.name, seen.unwrap_or_default()))
    }

    /// Every pair that prices no contract.
    pub(super) async fn pairs_shown(&self) -> Result<Vec<Value>, Trouble> {
        let all = |exchange: &Exchange| {
            let unlisted = |id: &PairId| !exchange.instruments().any(|(_, listed)| listed.pair() == *id);
            let pairs = (0..=u16::MAX).map(PairId).map_while(|id| Some((id, exchange.index_of(id)?)));
            let unlisted = pairs.filter(|(id, _)| unlisted(id));
            unlisted
                .map(|(id, seen)| shown(exchange.pair_name(id).unwrap_or_default(), seen))
                .collect::<Vec<_>>()
        };
        Ok(self.node.query(all).await?)
    }

    pub(super) async fn interest(&self) -> Result<Value, Trouble> {
        let rate = self.node.query(Exchange::interest).await?;
        Ok(json!({ "hourly_rate": decimal(i128::from(rate), 8) }))
    }

    pub(super) async fn set_interest(&self, body: &[u8]) -> Result<Value, Trouble> {
        let InterestBody { hourly_rate } = read(body)?;
        let rate = hourly_rate.units(8, "an hour's rate has at most 8 decimals")?;
        self.order(vec![Command::SetInterest { rate }]).await?;
        self.interest().await
    }
}

fn shown(pair: &str, (index, pinned): (Option<FinePrice>, bool)) -> Value {
    json!({
        "pair": pair,
        "index": index.map(|price| decimal(price.0, 18)),
        "index_pinned": pinned,
    })
}
