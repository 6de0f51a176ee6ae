//! Prices, exact: digits to decimal and back, never through floating point, never rounded.

use rust_decimal::Decimal;

/// A price a night: not negative, at most a million, at most four decimals.
pub fn parse_price(text: &str) -> Result<Decimal, String> {
    let refused = || format!("`{text}` is no price like 75 or 75.50");
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) {
        return Err(refused());
    }
    if unsigned.len() < text.len() {
        return Err(format!("`{text}` is negative"));
    }
    let price = Decimal::from_str_exact(text).map_err(|_| refused())?;
    if price > Decimal::from(1_000_000) || price.scale() > 4 {
        return Err(format!("`{text}` is more than a million or has more than four decimals"));
    }
    Ok(price)
}

/// The price of all nights.
pub fn total(price: Decimal, nights: u32) -> Result<Decimal, String> {
    // A product that does not fit would lose decimals instead of failing, and the scale shows that.
    price
        .checked_mul(Decimal::from(nights))
        .filter(|total| total.scale() == price.scale() || total.is_zero())
        .ok_or_else(|| format!("{price} × {nights} nights is out of range"))
}

/// Two decimals, more only where the price has more.
pub fn show(amount: Decimal) -> String {
    let mut amount = amount;
    if amount.scale() < 2 {
        amount.rescale(2);
    }
    amount.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prices_are_read_exactly() {
        for (text, shown) in [("0", "0.00"), ("75", "75.00"), ("75.5", "75.50"), ("79.26", "79.26"), ("0.125", "0.125")]
        {
            assert_eq!(show(parse_price(text).unwrap()), shown);
        }
        let bad =
            ["", ".5", "5.", "-6.38", "-0", "1e3", "1_000", "+5", " 5", "5,00", "NULL", "NaN", "1000000.01", "0.00001"];
        for text in bad {
            assert!(parse_price(text).is_err(), "{text}");
        }
        assert!(parse_price("-6.38").unwrap_err().contains("negative"));
        assert!(parse_price(&"9".repeat(60)).is_err());
    }

    #[test]
    fn floating_point_would_get_these_wrong() {
        assert_eq!(show(total(parse_price("0.1").unwrap(), 3).unwrap()), "0.30");
        assert_eq!(show(total(parse_price("79.26").unwrap(), 3).unwrap()), "237.78");
        assert_eq!(show(total(parse_price("75").unwrap(), 0).unwrap()), "0.00");
    }

    proptest! {
        #[test]
        fn total_is_the_cents_times_the_nights(cents in 0u64..100_000_000, nights in 0u32..2_000) {
            let price = parse_price(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap();
            let expected = u128::from(cents) * u128::from(nights);
            prop_assert_eq!(show(total(price, nights).unwrap()), format!("{}.{:02}", expected / 100, expected % 100));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.]{0,40}|\\PC{0,12}") {
            if let Ok(price) = parse_price(&text) {
                prop_assert_eq!(parse_price(&show(price)).unwrap(), price);
            }
        }
    }
}
