//! Finnish business id (*Y-tunnus*): seven digits, a hyphen and a check digit.

const WEIGHTS: [u32; 7] = [7, 9, 10, 5, 8, 4, 2];

/// Whether the text is a business id with a right check digit: the weighted sum modulo 11 gives 0
/// for 0, 11 less the remainder for 2-10, and nothing for 1 (such numbers are never issued).
pub fn valid(text: &str) -> bool {
    let Some((number, check)) = text.split_once('-') else {
        return false;
    };
    if number.len() != WEIGHTS.len() || check.len() != 1 {
        return false;
    }
    let digits: Option<Vec<u32>> = number.chars().map(|c| c.to_digit(10)).collect();
    let (Some(digits), Some(check)) = (digits, check.chars().next().and_then(|c| c.to_digit(10)))
    else {
        return false;
    };
    let sum: u32 = digits
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| digit * weight)
        .sum();
    match sum % 11 {
        0 => check == 0,
        1 => false,
        rest => check == 11 - rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issued_ids_are_valid() {
        for id in [
            "0996167-6",
            "2177546-2",
            "2189312-7",
            "3221317-4",
            "0207669-0",
            "0207604-1",
            "1919717-3",
        ] {
            assert!(valid(id), "{id}");
        }
    }

    #[test]
    fn any_other_check_digit_is_not() {
        for digit in 0..10 {
            assert_eq!(valid(&format!("0996167-{digit}")), digit == 6);
        }
    }

    #[test]
    fn a_remainder_of_one_has_no_check_digit_at_all() {
        // 0000006: 6 * 2 = 12 = 1 (mod 11)
        assert!((0..10).all(|digit| !valid(&format!("0000006-{digit}"))));
    }

    #[test]
    fn other_shapes_are_not_ids() {
        for text in [
            "",
            "-",
            "09961676",
            "996167-6",
            "0996167-66",
            "0996167-",
            "0996167_6",
            "FI09961676",
            "０996167-6",
            "0996167-x",
        ] {
            assert!(!valid(text), "{text}");
        }
    }
}
