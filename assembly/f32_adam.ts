// f32_adam: one step of Adam on one weight tensor, in place.
//
//   w, m, v    f32[n]: weights, first and second moments
//   g          f32[n]: gradient
//   n          >= 0
//   beta1, beta2, epsilon  as in Kingma and Ba 2015, Adam, algorithm 1
//   rest1, rest2           1 - beta1, 1 - beta2, which f32 would round away
//   rate       learning rate / (1 - beta1^t)
//   root       1 / sqrt(1 - beta2^t)
//
// m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, w -= rate m / (root sqrt(v) + epsilon).
// Every product and sum is rounded apart: same bits in every binary.
export function f32_adam(
  w: usize, m: usize, v: usize, g: usize, n: i32,
  beta1: f32, rest1: f32, beta2: f32, rest2: f32, rate: f32, root: f32, epsilon: f32,
): void {
  const end = w + (<usize>n << 2);
  for (; w + 16 <= end; w += 16) {
    const g_f32x4 = v128.load(g);
    const m_f32x4 = f32x4.add(f32x4.mul(v128.load(m), f32x4.splat(beta1)), f32x4.mul(g_f32x4, f32x4.splat(rest1)));
    const square = f32x4.mul(g_f32x4, g_f32x4);
    const v_f32x4 = f32x4.add(f32x4.mul(v128.load(v), f32x4.splat(beta2)), f32x4.mul(square, f32x4.splat(rest2)));
    const below = f32x4.add(f32x4.mul(f32x4.sqrt(v_f32x4), f32x4.splat(root)), f32x4.splat(epsilon));
    v128.store(m, m_f32x4);
    v128.store(v, v_f32x4);
    v128.store(w, f32x4.sub(v128.load(w), f32x4.div(f32x4.mul(m_f32x4, f32x4.splat(rate)), below)));
    m += 16;
    v += 16;
    g += 16;
  }
  for (; w < end; w += 4) {
    const slope = load<f32>(g);
    const first: f32 = load<f32>(m) * beta1 + slope * rest1;
    const second: f32 = load<f32>(v) * beta2 + slope * slope * rest2;
    store<f32>(m, first);
    store<f32>(v, second);
    store<f32>(w, load<f32>(w) - (first * rate) / (Mathf.sqrt(second) * root + epsilon));
    m += 4;
    v += 4;
    g += 4;
  }
}
