/** The memory that `f32_gemm` works in: the blocks of assembly/f32_gemm.ts and one tile. */

const block = { rows: 64, columns: 256, depth: 256 };
const tile = { rows: 4, columns: 8 };

/** Bytes for a product of [m][k] and [k][n], or any smaller one. */
export function gemmScratch(m: number, n: number, k: number): number {
  const rows = Math.min(block.rows, Math.ceil(m / tile.rows) * tile.rows);
  const columns = Math.min(block.columns, Math.ceil(n / tile.columns) * tile.columns);
  return (Math.min(block.depth, k) * (rows + columns) + tile.rows * tile.columns) * 4;
}
