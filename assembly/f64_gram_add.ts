// f64_gram_add: G += XᵀX for a panel of rows of X; the tiles on and above the diagonal of G.
//
//   g       f64[4 tiles][4 tiles], row by row, 16-byte aligned
//   panel   f64[tiles][depth][4], 16-byte aligned: of each 4 columns of X their `depth` numbers
//   tiles   a quarter of the columns, >= 0
//   depth   rows of X, >= 0
//
// Each sum goes over the rows of the panel in order, from 0, and is then added to G. Nothing is fused: the same bits
// in every binary.

const BLOCK: i32 = 16; // tiles that are read again and again: 128 KB where depth is 256

export function f64_gram_add(g: usize, panel: usize, tiles: i32, depth: i32): void {
  const tile = <usize>depth << 5;
  const row = <usize>tiles << 5;
  for (let begin = 0; begin < tiles; begin += BLOCK) {
    const end = min(tiles, begin + BLOCK);
    for (let i = 0; i < end; ++i) {
      const top = g + <usize>i * 4 * row;
      for (let j = max(i, begin); j < end; ++j) {
        add_tile(top + (<usize>j << 5), panel + <usize>i * tile, panel + <usize>j * tile, tile, row);
      }
    }
  }
}

function add_tile(g: usize, a: usize, b: usize, bytes: usize, row: usize): void {
  let a0 = f64x2.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (const end = a + bytes; a < end; a += 32) {
    const low = v128.load(b);
    const high = v128.load(b, 16);
    let x = v128.load64_splat(a);
    a0 = f64x2.add(a0, f64x2.mul(x, low));
    a1 = f64x2.add(a1, f64x2.mul(x, high));
    x = v128.load64_splat(a, 8);
    b0 = f64x2.add(b0, f64x2.mul(x, low));
    b1 = f64x2.add(b1, f64x2.mul(x, high));
    x = v128.load64_splat(a, 16);
    c0 = f64x2.add(c0, f64x2.mul(x, low));
    c1 = f64x2.add(c1, f64x2.mul(x, high));
    x = v128.load64_splat(a, 24);
    d0 = f64x2.add(d0, f64x2.mul(x, low));
    d1 = f64x2.add(d1, f64x2.mul(x, high));
    b += 32;
  }
  add_row(g, a0, a1);
  add_row(g + row, b0, b1);
  add_row(g + 2 * row, c0, c1);
  add_row(g + 3 * row, d0, d1);
}

// @ts-ignore: decorator
@inline
function add_row(g: usize, low: v128, high: v128): void {
  v128.store(g, f64x2.add(v128.load(g), low));
  v128.store(g, f64x2.add(v128.load(g, 16), high), 16);
}
