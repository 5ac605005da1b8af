/** Convolutions of 3 x 3 by Winograd's F(2 x 2, 3 x 3), in integers: see assembly/u7_s16w_winograd_3x3.ts. */

import { groupsOf4 } from "./layouts.js";

/** What the sums are multiplied by, as weights are doubled along height and width. */
export const WINOGRAD_GAIN = 4;

/**
 * Tiles that share a pass over the weights. With one, a small board would read all of them from memory for every 16
 * pixels, more than the direct product does; more make no difference where a cache holds them.
 */
export const WINOGRAD_CHUNK = 4;

/** Bytes of scratch for so many inputs. */
export const winogradScratch = (inputs: number): number => groupsOf4(inputs) * 512 * WINOGRAD_CHUNK + 2304;

/**
 * 4 G g G^T of each kernel g: along each of its sides, 3 weights a, b, c become 2a, a + b + c, a - b + c, 2c.
 *
 * @param w s8[3][3][inputs][outputs]
 * @returns s16[outputs / 4][16][inputs / 4][4 outputs][4 inputs], padded with zeros
 */
export function packWinograd(w: Int8Array, inputs: number, outputs: number): Int16Array {
  const k4 = groupsOf4(inputs);
  const packed = new Int16Array(groupsOf4(outputs) * k4 * 256);
  const kernel = new Int16Array(9);
  for (let input = 0; input < inputs; input++) {
    for (let output = 0; output < outputs; output++) {
      for (let tap = 0; tap < 9; tap++) kernel[tap] = w[(tap * inputs + input) * outputs + output];
      const columns = [0, 1, 2].map((column) =>
        widen(kernel[column], kernel[column + 3], kernel[column + 6]),
      );
      for (let row = 0; row < 4; row++) {
        widen(columns[0][row], columns[1][row], columns[2][row]).forEach((weight, column) => {
          const group = ((output >> 2) * 16 + row * 4 + column) * k4 + (input >> 2);
          packed[group * 16 + (output & 3) * 4 + (input & 3)] = weight;
        });
      }
    }
  }
  return packed;
}

const widen = (a: number, b: number, c: number): number[] => [2 * a, a + b + c, a - b + c, 2 * c];
