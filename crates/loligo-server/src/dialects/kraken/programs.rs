//! Requests about the assignment program, and about who is unwound first.

use super::convert::{programs, refusals};
use super::private::KrakenRequest;
use super::{Answer, Failure, Kraken};
use crate::grid::time;
use crate::login::Caller;
use loligo_engine::{AddProgramOutcome, Ask, Exchange, ProgramId, RemoveProgramOutcome, UnwindPlaces};
use loligo_wire::v3::requests;
use loligo_wire::v3::responses;
use loligo_wire::v3::words::Error;

/// Holders that are ranked between two batches of orders when an account asks for its places: about a millisecond's worth. Where more
/// hold what it holds, some are as they are a few batches later.
const HOLDERS_AT_ONCE: usize = 8_192;

impl Kraken {
    pub(super) async fn assignment_programs(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let account = caller.account;
        let held = self.node.query(move |exchange| exchange.assignment_programs(account)).await?;
        let rows = held.iter().map(|held| (held.id.0, programs::shown(asked.directory, &held.program)));
        let mut body = Vec::with_capacity(96 + 512 * held.len());
        responses::write_assignment_programs(&mut body, rows, time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn assignment_history(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let account = caller.account;
        let changes = self.node.query(move |exchange| exchange.assignment_history(account)).await?;
        let rows = changes.iter().map(|change| responses::AssignmentChange {
            deleted: change.removed,
            program: programs::shown(asked.directory, &change.program),
            timestamp: time(change.at),
        });
        let mut body = Vec::with_capacity(96 + 512 * changes.len());
        responses::write_assignment_history(&mut body, rows, time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn add_assignment_program(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::AddAssignmentProgram<'_>, Failure>,
        caller: Caller,
    ) -> Answer {
        let program = programs::read(asked.directory, &request?)?;
        asked.active(&caller)?;
        let reply = self.node.ask(Ask::add_program(caller.account, program.clone()), caller.nonce).await?;
        match reply.outcome {
            AddProgramOutcome::ProgramAdded(id) => {
                let mut body = Vec::with_capacity(512);
                let shown = programs::shown(asked.directory, &program);
                responses::write_assignment_program(&mut body, id.0, &shown, time(self.node.now()));
                Ok(body)
            }
            AddProgramOutcome::AccountInactive => Err(Error::AccountInactive.into()),
            AddProgramOutcome::Refused(refusal) => Err(refusals::of_program(refusal)),
        }
    }

    pub(super) async fn delete_assignment_program(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::DeleteAssignmentProgram, Failure>,
        caller: Caller,
    ) -> Answer {
        let id = request?.id;
        asked.active(&caller)?;
        let id = id.ok_or(Error::NotFound)?;
        let reply = self.node.ask(Ask::remove_program(caller.account, ProgramId(id)), caller.nonce).await?;
        match reply.outcome {
            RemoveProgramOutcome::ProgramRemoved(program) => {
                let mut body = Vec::with_capacity(512);
                let shown = programs::shown(asked.directory, &program);
                responses::write_assignment_program(&mut body, id, &shown, time(self.node.now()));
                Ok(body)
            }
            RemoveProgramOutcome::AccountInactive => Err(Error::AccountInactive.into()),
            // Whether another account has one of that number is nobody's to know.
            RemoveProgramOutcome::Refused(refusal) => Err(Failure::Refused(Error::NotFound, refusal.into())),
        }
    }

    pub(super) async fn unwind_queue(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let (mut places, mut found) = (UnwindPlaces::of(caller.account), false);
        while !found {
            let look = move |exchange: &Exchange| {
                let found = exchange.look_for_places(&mut places, HOLDERS_AT_ONCE);
                (places, found)
            };
            (places, found) = self.node.query(look).await?;
        }
        let queue = places.percentiles();
        let rows = queue.iter().filter_map(|(id, percentile)| {
            Some((asked.directory.instrument(*id)?.spec().symbol.as_str(), *percentile))
        });
        let mut body = Vec::with_capacity(96 + 48 * queue.len());
        responses::write_unwind_queue(&mut body, rows, time(self.node.now()));
        Ok(body)
    }
}
