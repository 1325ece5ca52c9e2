use opstream::*;
use std::{fs::File, io::BufWriter};

fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let (profile, out) = match &a[..] {
        [p, o, ..] => (p.as_str(), o),
        _ => panic!("opgen one|hundred|worst FILE [SEED]"),
    };
    let seed = a.get(2).map(|s| s.parse().unwrap()).unwrap_or(20_261_122);
    let s = match profile {
        "one" => generate(ONE_BOOK, seed),
        "hundred" => generate(HUNDRED_BOOKS, seed),
        "worst" => generate_worst(1_000_000, seed),
        x => panic!("no profile {x}"),
    };
    let mut n = [0u64; 4];
    for o in &s.ops[(s.prefill + s.warmup) as usize..] {
        n[o.kind as usize] += 1;
    }
    println!(
        "{profile}: seed {} books {} prefill {} warmup {} measured {} mix {:?} trades {} volume {} hash {:016x} resting {} prices {}..{} ids {}",
        s.seed,
        s.books,
        s.prefill,
        s.warmup,
        s.measured,
        n,
        s.expect.trades,
        s.expect.volume,
        s.expect.hash,
        s.resting,
        s.min_price,
        s.max_price,
        s.max_id
    );
    s.write(BufWriter::new(File::create(out).unwrap())).unwrap();
}
