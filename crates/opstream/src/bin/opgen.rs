//! `opgen one|hundred|worst FILE [SEED]`: writes a stream and says what to expect of it.

use opstream::{HUNDRED_BOOKS, ONE_BOOK, generate, generate_worst};
use std::{fs::File, io::BufWriter, io::Write, process::ExitCode};

const USAGE: &str = "usage: opgen one|hundred|worst FILE [SEED]";

fn run(args: &[String]) -> Result<(), String> {
    let [profile, file, rest @ ..] = args else { return Err(USAGE.into()) };
    let seed = match rest {
        [] => 20_261_122,
        [seed] => seed.parse().map_err(|_| format!("no seed: {seed}"))?,
        _ => return Err(USAGE.into()),
    };
    let stream = match profile.as_str() {
        "one" => generate(ONE_BOOK, seed),
        "hundred" => generate(HUNDRED_BOOKS, seed),
        "worst" => generate_worst(1_000_000, seed),
        _ => return Err(USAGE.into()),
    };
    let mut mix = [0u64; 4];
    for op in &stream.ops[(stream.prefill + stream.warmup) as usize..] {
        mix[op.kind as usize] += 1;
    }
    let told = format!(
        "{profile}: seed {} books {} prefill {} warmup {} measured {} mix {mix:?} trades {} volume {} hash {:016x} \
         resting {} prices {}..{} ids {}",
        stream.seed,
        stream.books,
        stream.prefill,
        stream.warmup,
        stream.measured,
        stream.expect.trades,
        stream.expect.volume,
        stream.expect.hash,
        stream.resting,
        stream.min_price,
        stream.max_price,
        stream.max_id
    );
    let out = File::create(file).map_err(|e| format!("{file}: {e}"))?;
    stream.write(BufWriter::new(out)).map_err(|e| format!("{file}: {e}"))?;
    writeln!(std::io::stdout(), "{told}").map_err(|e| e.to_string())
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
