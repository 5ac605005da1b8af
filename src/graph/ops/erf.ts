/**
 * The error function in f64.
 *
 * tfjs uses Abramowitz and Stegun 7.1.26, good to 1.5e-7. This is their 7.1.6,
 * erf(x) = 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!, whose terms are all of one sign, so
 * that nothing cancels: good to a few ulp, and slow only as tables are (128 calls).
 */
export function erf(x: number): number {
  // erf(6) differs from 1 by 2e-17, less than half an ulp.
  if (Math.abs(x) >= 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
