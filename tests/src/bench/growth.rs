//! How a cost grows with size: the exponent k of cost = c · size^k.

/// The exponent by least squares over the logarithms: 0 is constant, 1 linear, 2 quadratic. `None`
/// without two different sizes, or with a figure that has no logarithm.
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points
        .iter()
        .any(|(size, cost)| *size <= 0.0 || *cost <= 0.0)
    {
        return None;
    }
    let logs: Vec<(f64, f64)> = points.iter().map(|(s, c)| (s.ln(), c.ln())).collect();
    let n = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / n;
    let across: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let along: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (across > 0.0).then(|| along / across)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cost: impl Fn(f64) -> f64) -> f64 {
        let points = [100.0, 1_000.0, 10_000.0].map(|size| (size, cost(size)));
        exponent(&points).expect("sizes differ")
    }

    #[test]
    fn the_exponent_tells_constant_from_linear_from_quadratic() {
        assert!(of(|_| 274.0).abs() < 1e-9);
        assert!((of(|n| 3.0 * n) - 1.0).abs() < 1e-9);
        assert!((of(|n| 0.5 * n * n) - 2.0).abs() < 1e-9);
        assert_eq!(exponent(&[(10.0, 1.0)]), None);
        assert_eq!(exponent(&[(10.0, 0.0), (20.0, 1.0)]), None);
    }
}
