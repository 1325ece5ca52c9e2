//! Orders as traders write them: `lmt buy 0.1 @ 49,000`, `stp sell 0.1 stopPrice 48,000 signal mark reduceOnly`.

/// Arguments of a request.
pub type Arguments = Vec<(String, String)>;

/// The arguments of an order: type, side, size, then its terms.
pub fn order(text: &str) -> Arguments {
    let mut words = text.splitn(4, ' ');
    let mut arguments = Vec::new();
    for name in ["orderType", "side", "size"] {
        let word = words.next().unwrap_or_else(|| panic!("no {name} in {text:?}"));
        arguments.push((name.to_owned(), plain(word)));
    }
    let mut terms = terms(words.next().unwrap_or_default());
    if !terms.iter().any(|(name, _)| name == "symbol") {
        terms.push(("symbol".to_owned(), crate::venue::SYMBOL.to_owned()));
    }
    arguments.extend(terms);
    arguments
}

/// Terms of an order or of an edit: words with a value, and words that are all.
///
/// `@ P` is a limit price, `on S` a contract, `signal W` a trigger signal, `PERCENT D` and `QUOTE_CURRENCY D` the deviation
/// of a trailing stop, `offset V U` a limit from the trigger price; anything else is an argument's own name and its value.
pub fn terms(text: &str) -> Arguments {
    let mut arguments = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let mut add = |name: &str, value: &str| arguments.push((name.to_owned(), plain(value)));
        if word == "reduceOnly" {
            add("reduceOnly", "true");
            continue;
        }
        let value = words.next().unwrap_or_else(|| panic!("{word} has no value in {text:?}"));
        match word {
            "@" => add("limitPrice", value),
            "on" => add("symbol", value),
            "signal" => add("triggerSignal", value),
            "PERCENT" | "QUOTE_CURRENCY" => {
                add("trailingStopMaxDeviation", value);
                add("trailingStopDeviationUnit", word);
            }
            "offset" => {
                add("limitPriceOffsetValue", value);
                if let Some(unit) =
                    words.next_if(|word| word.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
                {
                    add("limitPriceOffsetUnit", unit);
                }
            }
            name => add(name, value),
        }
    }
    arguments
}

/// A number without the commas that people put between thousands.
pub fn plain(text: &str) -> String {
    let number = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'.' | b'-'));
    if number { text.replace(',', "") } else { text.to_owned() }
}

#[test]
fn orders_are_read_as_they_are_written() {
    let read = |text: &str| {
        let arguments: Vec<String> =
            order(text).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        arguments.join(" ")
    };
    assert_eq!(
        read("lmt buy 0.1 @ 49,000.5"),
        "orderType=lmt side=buy size=0.1 limitPrice=49000.5 symbol=PF_XBTUSD"
    );
    assert_eq!(
        read("stp sell 1 on PF_LOWUSD stopPrice 4.90 signal mark offset -0.1 QUOTE_CURRENCY reduceOnly"),
        "orderType=stp side=sell size=1 symbol=PF_LOWUSD stopPrice=4.90 triggerSignal=mark \
         limitPriceOffsetValue=-0.1 limitPriceOffsetUnit=QUOTE_CURRENCY reduceOnly=true"
    );
    assert_eq!(
        read("trailing_stop sell 0.1 PERCENT 1"),
        "orderType=trailing_stop side=sell size=0.1 trailingStopMaxDeviation=1 \
         trailingStopDeviationUnit=PERCENT symbol=PF_XBTUSD"
    );
    assert_eq!(
        read("stp sell 0.1 stopPrice 48,000 offset -100"),
        "orderType=stp side=sell size=0.1 stopPrice=48000 limitPriceOffsetValue=-100 symbol=PF_XBTUSD"
    );
}
