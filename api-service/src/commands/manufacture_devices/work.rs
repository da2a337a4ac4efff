//! One call at work: reading, registering batch by batch, answering in order.

use axum::body::{Body, Bytes};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::answer::{AnswerLine, Sums};
use super::batch::{Batch, Numbered};
use super::records::{Columns, Cutter, Format, Line};
use super::{BYTES_MAX, LINES_MAX, STALLED};
use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::trail::Trail;
use crate::problem::{Code, Problem};

/// Lines that share a transaction. Commits of others wait for one such at most.
const BATCH_LINES: usize = 64;

/// Batches at once: while one waits for the disk, the other signs.
const BATCHES_AT_ONCE: usize = 2;

/// A call.
pub(super) struct Work {
    pub(super) api: Api,
    pub(super) account: AccountId,
    /// Where answers go.
    pub(super) lines: mpsc::Sender<Vec<u8>>,
    /// Whence the call came, for the audit.
    pub(super) trail: Option<Trail>,
}

/// What was read of the request.
enum Read {
    /// A line.
    Line(Line),
    /// Nothing more is read, and why.
    Stopped(Problem),
}

impl Work {
    /// Runs to the end of the request, or until the caller is gone.
    pub(super) async fn run(self, body: Body, format: Format) {
        let trail = self.trail.clone();
        let working = self.work(body, format);
        match trail {
            Some(trail) => trail.scope(working).await,
            None => working.await,
        }
    }

    async fn work(self, body: Body, format: Format) {
        // All that a call may send fits, so reading never waits for answers to be fetched.
        let (sender, mut receiver) = mpsc::channel(LINES_MAX + 2);
        let reading = tokio::spawn(read(body, format, sender));
        let mut columns = Columns::none();
        let mut problem = None;
        if format == Format::Csv {
            match receiver.recv().await {
                Some(Read::Line(first)) => match Columns::read(first) {
                    Ok(named) => columns = named,
                    Err(wrong) => problem = Some(wrong),
                },
                Some(Read::Stopped(stopped)) => problem = Some(stopped),
                None => {}
            }
        }
        let mut sums = Sums::default();
        if problem.is_none() {
            problem = self.batches(receiver, &columns, &mut sums).await;
        }
        reading.abort();
        if let Some(problem) = problem {
            let stopped = AnswerLine::refused(None, None, problem);
            let _ = self.send(&stopped).await;
        }
        let done = AnswerLine {
            done: Some(sums),
            ..AnswerLine::default()
        };
        let _ = self.send(&done).await;
    }

    /// Registers batch by batch. Gives why the request was not read to its end.
    async fn batches(
        &self,
        mut receiver: mpsc::Receiver<Read>,
        columns: &Columns,
        sums: &mut Sums,
    ) -> Option<Problem> {
        let mut under_way = FuturesOrdered::new();
        let (mut next, mut problem, mut is_open) = (1, None, true);
        while is_open || !under_way.is_empty() {
            if is_open && under_way.len() < BATCHES_AT_ONCE {
                let mut read = Vec::with_capacity(BATCH_LINES);
                // What waits is taken; for more nobody waits while answers may be due.
                let more = tokio::select! {
                    biased;
                    count = receiver.recv_many(&mut read, BATCH_LINES) => Some(count),
                    Some(answers) = under_way.next(), if !under_way.is_empty() => {
                        self.answer(answers, sums).await.ok()?;
                        None
                    }
                };
                is_open = more != Some(0);
                let mut lines = Vec::with_capacity(read.len());
                for each in read {
                    match each {
                        Read::Line(line) => {
                            let fields = columns.fields(&line);
                            lines.push(Numbered {
                                number: next,
                                fields,
                            });
                            next += 1;
                        }
                        Read::Stopped(why) => problem = Some(why),
                    }
                }
                if !lines.is_empty() {
                    let batch = Batch {
                        api: self.api.clone(),
                        account: self.account,
                    };
                    under_way.push_back(batch.register(lines));
                }
            } else if let Some(answers) = under_way.next().await {
                self.answer(answers, sums).await.ok()?;
            }
        }
        problem
    }

    async fn answer(&self, lines: Vec<AnswerLine>, sums: &mut Sums) -> Result<(), ()> {
        for line in &lines {
            sums.lines += 1;
            match line.device {
                Some(_) => sums.registered += 1,
                None => sums.failed += 1,
            }
            self.send(line).await?;
        }
        Ok(())
    }

    async fn send(&self, line: &AnswerLine) -> Result<(), ()> {
        let sent = timeout(STALLED, self.lines.send(line.bytes())).await;
        sent.map_err(drop)?.map_err(drop)
    }
}

/// Reads the request to its end, to a limit, or until it stalls.
async fn read(body: Body, format: Format, lines: mpsc::Sender<Read>) {
    let mut chunks = body.into_data_stream();
    let mut cutter = Cutter::new(format);
    let (mut bytes, mut count) = (0, 0);
    // With CSV the first line names the columns.
    let lines_max = LINES_MAX + usize::from(format == Format::Csv);
    let mut cut = Vec::new();
    loop {
        let chunk: Option<Result<Bytes, _>> = match timeout(STALLED, chunks.next()).await {
            Ok(chunk) => chunk,
            Err(_) => return stop(&lines, Code::TimedOut, "nothing came for 30 seconds").await,
        };
        let is_last = match chunk {
            Some(Ok(chunk)) => {
                bytes += chunk.len();
                cutter.take(&chunk, &mut cut);
                false
            }
            Some(Err(_)) => return stop(&lines, Code::JsonMalformed, "the body ended early").await,
            None => {
                cut.extend(cutter.end());
                true
            }
        };
        for line in cut.drain(..) {
            count += 1;
            if count > lines_max {
                let detail = "a call has at most 10,000 lines; send the rest in another";
                return stop(&lines, Code::BodyTooLarge, detail).await;
            }
            if lines.send(Read::Line(line)).await.is_err() {
                return;
            }
        }
        if is_last {
            return;
        }
        if bytes > BYTES_MAX {
            let detail = "a call has at most 16 MiB; send the rest in another";
            return stop(&lines, Code::BodyTooLarge, detail).await;
        }
    }
}

async fn stop(lines: &mpsc::Sender<Read>, code: Code, why: &'static str) {
    let _ = lines.send(Read::Stopped(Problem::new(code, why))).await;
}
