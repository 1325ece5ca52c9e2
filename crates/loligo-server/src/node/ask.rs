//! Commands that say in their type what they come to.

use super::{NodeHandle, Reply, Submission, SubmitError};
use crate::record::KeyId;
use loligo_engine::{Ask, OutcomeOf};

impl NodeHandle {
    /// As [`NodeHandle::submit`], of a command that says in its type what it comes to; with the nonce that it came with.
    ///
    /// # Errors
    /// As [`NodeHandle::submit`].
    pub async fn ask<O: OutcomeOf>(
        &self,
        ask: impl Into<Ask<O>>,
        nonce: Option<(KeyId, u64)>,
    ) -> Result<Reply<O>, SubmitError> {
        let command = ask.into().into_command();
        let Reply { sequence, time, outcome, events } = self.submit(Submission { command, nonce }).await?;
        Ok(Reply { sequence, time, outcome: Ask::outcome(outcome), events })
    }
}
