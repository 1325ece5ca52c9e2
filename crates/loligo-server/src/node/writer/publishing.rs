//! What a commit came to, told to all who see it: views, feeds, followers.

use super::{Changed, NodeEnd, Writer, changes_directory, changes_listing, second_of};
use crate::node::venue::Venue;
use crate::projection::{Happened, Statement};
use crate::record::Fact;
use std::sync::Arc;

impl Writer {
    /// What is published with a whole group commit: names and contracts, changes for the feeds, how far it is. What happened, for
    /// all who follow.
    pub(super) fn announce(&mut self) -> Result<Arc<Happened>, NodeEnd> {
        let Changed { directory, listing } = std::mem::take(&mut self.changed);
        if listing {
            self.listing = self.venue.next_listing();
        }
        if directory {
            self.publish_directory()?;
            self.commit.directory = true;
        }
        self.epoch.views().markets().show_funding(&self.venue.exchange);
        self.state_money();
        let second = second_of(self.venue.exchange.now());
        self.commit.second = std::mem::replace(&mut self.told_second, second) != second;
        self.epoch.views().publisher().publish(std::mem::take(&mut self.commit));
        self.epoch.acknowledge(self.venue.sequence);
        let happened = Arc::new(std::mem::take(&mut self.happened));
        self.hand_overs.iter().for_each(|one| one.offer(&happened, &self.venue.exchange));
        Ok(happened)
    }

    /// Tells those who follow it what the money of accounts comes to that this commit touched.
    fn state_money(&mut self) {
        let Venue { exchange, sequence, .. } = &self.venue;
        for account in self.money.iter() {
            if let Some(itself) = self.touched.of(*account) {
                let statement = Statement::of(exchange, *account, *sequence);
                // Prices are nothing to who has no position.
                if itself || !statement.positions.is_empty() {
                    self.commit.statements.push((Arc::new(statement), itself));
                }
            }
        }
        self.touched.clear();
        // Who begins to follow asks for the first statement, which is of a record behind this one.
        self.money = self.epoch.views().publisher().money();
    }

    /// Adds applied records to the event chain and folds them into the views: those from the place `at` of what happened on.
    pub(super) fn publish(&mut self, at: usize) {
        for at in at..self.happened.len() {
            let Some(applied) = self.happened.get(at) else { break };
            self.venue.chain.extend(applied.sequence, applied.events);
            self.commit.changes.extend(self.epoch.views().fold(applied));
            if !self.money.is_empty() {
                self.touched.note(applied);
            }
            self.changed.directory |= changes_directory(applied.events);
            self.changed.listing |= changes_listing(applied.events);
        }
    }

    /// What the server knows beside the exchange is published as a whole.
    pub(super) fn fact_changed(&mut self, fact: &Fact) {
        self.changed.directory = true;
        self.changed.listing |=
            matches!(fact, Fact::ContractRolls { .. } | Fact::NoticeGiven(_) | Fact::NoticeEnded { .. });
    }

    pub(super) fn publish_directory(&self) -> Result<(), NodeEnd> {
        let mut directory = (*self.epoch.views().directory()).clone();
        let Venue { registry, exchange, .. } = &self.venue;
        match registry.extend(&mut directory, exchange, &self.shared.identity, &self.shared.vault) {
            Ok(()) => {
                self.epoch.views().publish_directory(directory);
                self.epoch.views().publish_service(registry.service().clone());
                Ok(())
            }
            Err(api_key) => Err(NodeEnd::SealedElsewhere { api_key }),
        }
    }
}
