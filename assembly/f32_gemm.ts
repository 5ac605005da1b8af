// f32_gemm: C = A B, or C += A B, of matrices that lie in any way.
//
//   c          f32[m][n], rows c_row floats apart
//   a          element (i, p) lies at i * a_row + p * a_col floats; one of the two is 1
//   b          element (p, j) lies at p * b_row + j * b_col floats; one of the two is 1
//   m, n, k    >= 0
//   adds       0: C is overwritten; 1: added to
//   scratch    as many bytes as src/kernels/gemm-scratch.ts says, 16-byte aligned
//
// Sums in order of p within blocks of BLOCK_K, whose sums are added in order: the error is that of a
// plain loop. Products are fused where the binary is relaxed, so bits differ between binaries.
//
// Goto and van de Geijn 2008, Anatomy of High-Performance Matrix Multiplication: blocks of B and A are
// packed into panels, 8 columns and 4 rows wide, so that the loop reads both in order.
import { fused_add } from "./simd";

const BLOCK_K: i32 = 256;
const BLOCK_N: i32 = 256; // 256 KB of B: half of a small L2 cache
const BLOCK_M: i32 = 64;
const ROWS: i32 = 4;
const COLUMNS: i32 = 8;

export function f32_gemm(
  c: usize, a: usize, b: usize, m: i32, n: i32, k: i32,
  c_row: i32, a_row: i32, a_col: i32, b_row: i32, b_col: i32, adds: i32, scratch: usize,
): void {
  const b_block = scratch;
  const deepest = min(BLOCK_K, k);
  const a_block = b_block + (<usize>deepest * min(BLOCK_N, (n + COLUMNS - 1) & -COLUMNS) << 2);
  const tile = a_block + (<usize>deepest * min(BLOCK_M, (m + ROWS - 1) & -ROWS) << 2);
  if (k == 0 && !adds) {
    for (let i = 0; i < m; ++i) memory.fill(c + (<usize>i * c_row << 2), 0, <usize>n << 2);
  }
  for (let p = 0; p < k; p += BLOCK_K) {
    const depth = min(BLOCK_K, k - p);
    for (let j = 0; j < n; j += BLOCK_N) {
      const columns = min(BLOCK_N, n - j);
      for (let at = 0; at < columns; at += COLUMNS) {
        pack_b(b_block + (<usize>at * depth << 2), b + (<usize>(p * b_row + (j + at) * b_col) << 2), depth, min(COLUMNS, columns - at), b_row, b_col);
      }
      for (let i = 0; i < m; i += BLOCK_M) {
        const rows = min(BLOCK_M, m - i);
        for (let at = 0; at < rows; at += ROWS) {
          pack_a(a_block + (<usize>at * depth << 2), a + (<usize>((i + at) * a_row + p * a_col) << 2), depth, min(ROWS, rows - at), a_row, a_col);
        }
        block(c + (<usize>(i * c_row + j) << 2), a_block, b_block, rows, columns, depth, c_row, adds | i32(p > 0), tile);
      }
    }
  }
}

function block(c: usize, a: usize, b: usize, rows: i32, columns: i32, depth: i32, c_row: i32, adds: i32, tile: usize): void {
  for (let j = 0; j < columns; j += COLUMNS) {
    const b_panel = b + (<usize>j * depth << 2);
    for (let i = 0; i < rows; i += ROWS) {
      const a_panel = a + (<usize>i * depth << 2);
      const target = c + (<usize>(i * c_row + j) << 2);
      if (i + ROWS <= rows && j + COLUMNS <= columns) {
        tile_4x8(target, a_panel, b_panel, depth, <usize>c_row << 2, adds);
      } else {
        tile_4x8(tile, a_panel, b_panel, depth, COLUMNS << 2, 0);
        copy_tile(target, tile, min(ROWS, rows - i), min(COLUMNS, columns - j), c_row, adds);
      }
    }
  }
}

function copy_tile(c: usize, tile: usize, rows: i32, columns: i32, c_row: i32, adds: i32): void {
  for (let i = 0; i < rows; ++i) {
    for (let j = 0; j < columns; ++j) {
      const at = c + (<usize>(i * c_row + j) << 2);
      const value = load<f32>(tile + (<usize>(i * COLUMNS + j) << 2));
      store<f32>(at, adds ? load<f32>(at) + value : value);
    }
  }
}

// To [depth][4], rows beyond the matrix 0.
function pack_a(panel: usize, a: usize, depth: i32, rows: i32, a_row: i32, a_col: i32): void {
  if (rows < ROWS) return pack_edge(panel, a, depth, rows, a_row, a_col, ROWS);
  if (a_row == 1) {
    for (let p = 0; p < depth; ++p) {
      v128.store(panel, v128.load(a));
      panel += 16;
      a += <usize>a_col << 2;
    }
    return;
  }
  let p = 0;
  const row = <usize>a_row << 2;
  for (; p + 4 <= depth; p += 4) {
    transpose_4x4(panel, a, row, 16);
    panel += 64;
    a += 16;
  }
  pack_edge(panel, a, depth - p, rows, a_row, a_col, ROWS);
}

// To [depth][8], columns beyond the matrix 0.
function pack_b(panel: usize, b: usize, depth: i32, columns: i32, b_row: i32, b_col: i32): void {
  if (columns < COLUMNS) return pack_edge(panel, b, depth, columns, b_col, b_row, COLUMNS);
  if (b_col == 1) {
    for (let p = 0; p < depth; ++p) {
      v128.store(panel, v128.load(b));
      v128.store(panel, v128.load(b, 16), 16);
      panel += 32;
      b += <usize>b_row << 2;
    }
    return;
  }
  let p = 0;
  const column = <usize>b_col << 2;
  for (; p + 4 <= depth; p += 4) {
    transpose_4x4(panel, b, column, 32);
    transpose_4x4(panel + 16, b + 4 * column, column, 32);
    panel += 128;
    b += 16;
  }
  pack_edge(panel, b, depth - p, columns, b_col, b_row, COLUMNS);
}

function pack_edge(panel: usize, x: usize, depth: i32, count: i32, across: i32, along: i32, width: i32): void {
  for (let p = 0; p < depth; ++p) {
    for (let i = 0; i < width; ++i) {
      store<f32>(panel, i < count ? load<f32>(x + (<usize>(i * across + p * along) << 2)) : 0);
      panel += 4;
    }
  }
}

// @ts-ignore: decorator
@inline
function transpose_4x4(y: usize, x: usize, x_row: usize, y_row: usize): void {
  const a = v128.load(x);
  const b = v128.load(x + x_row);
  const c = v128.load(x + 2 * x_row);
  const d = v128.load(x + 3 * x_row);
  const ab_low = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const ab_high = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd_low = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const cd_high = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(y, v128.shuffle<i64>(ab_low, cd_low, 0, 2));
  v128.store(y + y_row, v128.shuffle<i64>(ab_low, cd_low, 1, 3));
  v128.store(y + 2 * y_row, v128.shuffle<i64>(ab_high, cd_high, 0, 2));
  v128.store(y + 3 * y_row, v128.shuffle<i64>(ab_high, cd_high, 1, 3));
}

function tile_4x8(c: usize, a: usize, b: usize, depth: i32, row: usize, adds: i32): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (const end = a + (<usize>depth << 4); a < end; a += 16) {
    const low = v128.load(b);
    const high = v128.load(b, 16);
    let x = v128.load32_splat(a);
    a0 = fused_add(a0, x, low);
    a1 = fused_add(a1, x, high);
    x = v128.load32_splat(a, 4);
    b0 = fused_add(b0, x, low);
    b1 = fused_add(b1, x, high);
    x = v128.load32_splat(a, 8);
    c0 = fused_add(c0, x, low);
    c1 = fused_add(c1, x, high);
    x = v128.load32_splat(a, 12);
    d0 = fused_add(d0, x, low);
    d1 = fused_add(d1, x, high);
    b += 32;
  }
  store_row(c, a0, a1, adds);
  store_row(c + row, b0, b1, adds);
  store_row(c + 2 * row, c0, c1, adds);
  store_row(c + 3 * row, d0, d1, adds);
}

// @ts-ignore: decorator
@inline
function store_row(c: usize, low: v128, high: v128, adds: i32): void {
  if (adds) {
    low = f32x4.add(v128.load(c), low);
    high = f32x4.add(v128.load(c, 16), high);
  }
  v128.store(c, low);
  v128.store(c, high, 16);
}
