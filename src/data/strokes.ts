// The stroke font that digits.ts draws with: several ways people write each digit, as paths in the little
// language of SVG (M move, L line, C cubic Bezier, absolute) on a 100 x 100 sheet, y down.

/** One pen stroke: a start point and cubic Beziers (a line is a Bezier too), 2 + 6 * segments numbers. */
export type Stroke = Float64Array;
/** A way to write a digit: its strokes. */
export type Glyph = readonly Stroke[];

const PATHS: readonly (readonly string[])[] = [
  [
    "M50 5 C12 5 12 95 50 95 C88 95 88 5 50 5", // wide
    "M50 5 C28 5 28 95 50 95 C72 95 72 5 50 5", // narrow
    "M60 10 C22 -6 8 92 46 95 C86 98 90 18 54 8", // begun at the right, open at the top
    "M50 14 C10 14 10 88 50 88 C90 88 90 14 50 14", // flat and round
  ],
  [
    "M50 5 L50 95", // a bar
    "M30 27 L52 5 L52 95", // with a serif
    "M32 24 L52 5 L52 95 M30 95 L74 95", // with serif and base
    "M62 5 L40 95", // leaning
  ],
  [
    "M22 28 C22 -3 80 -4 76 30 C73 55 32 75 22 95 L80 95", // no loop
    "M24 25 C28 -3 80 0 73 32 C68 58 42 92 27 89 C13 84 28 67 45 80 C58 91 68 98 84 86", // loop at the foot
    "M25 14 C45 0 77 5 73 28 C70 50 40 72 22 93 C45 84 60 99 82 90", // a wave for a foot
    "M24 8 L74 8 C74 40 30 70 24 94 L78 94", // flat top, like a z
  ],
  [
    "M24 16 C38 -3 80 2 75 28 C72 46 54 48 42 48 C60 48 82 53 79 74 C76 99 34 100 21 82", // round
    "M24 7 L74 7 L45 42 C70 38 84 55 79 74 C74 99 36 100 21 84", // flat top
    "M26 10 C62 -2 86 20 66 37 C58 44 50 46 42 47 C60 44 82 56 73 78 C64 98 38 97 22 92", // leaning
    "M28 8 C74 0 72 44 46 44 C84 46 74 96 26 92", // narrow waist
  ],
  [
    "M28 8 L23 56 L82 56 M65 12 L62 95", // open
    "M62 5 L19 66 L84 66 M62 5 L62 95", // closed
    "M30 10 C18 42 20 58 36 58 C56 58 68 48 72 10 C68 40 64 70 61 95", // open, in one go
    "M58 5 L26 60 L80 58 M70 36 L58 95", // the upright begun late
  ],
  [
    "M74 7 L32 7 L28 45 C50 33 82 42 79 68 C76 99 36 100 21 84", // angular
    "M72 9 C58 6 46 8 36 10 C32 25 30 35 28 45 C44 38 77 40 75 66 C72 96 40 99 23 92", // in one go
    "M36 10 C34 25 31 38 30 46 C56 35 82 48 75 72 C68 99 34 98 21 86 M36 10 L80 5", // the bar last
    "M76 10 C40 6 24 30 42 42 C60 52 78 60 68 80 C58 98 34 96 24 88", // like an s
  ],
  [
    "M66 6 C40 15 21 45 23 70 C25 102 78 102 77 70 C76 41 30 41 24 68", // curved back
    "M62 5 L30 55 C12 85 40 98 54 95 C84 90 82 51 54 51 C42 51 34 56 27 66", // straight back
    "M52 5 C30 30 25 60 30 80 C36 101 70 98 69 76 C68 55 38 57 31 78", // narrow, small bowl
    "M70 14 C46 -4 24 30 25 66 C27 102 74 100 74 72 C74 48 40 44 26 66", // hooked top
  ],
  [
    "M22 8 L78 8 L42 95", // plain
    "M22 8 L78 8 L44 95 M34 52 L72 50", // barred
    "M22 24 L24 8 L78 8 C60 40 50 60 46 95", // with a serif
    "M20 14 C40 6 60 16 78 8 C62 35 48 65 40 95", // waved
  ],
  [
    "M50 48 C18 40 20 5 50 5 C80 5 82 40 50 48 C12 58 14 95 50 95 C86 95 88 58 50 48", // in one go
    "M73 16 C60 -2 24 3 29 26 C34 47 75 53 73 78 C68 100 30 100 27 78 C27 56 70 40 73 16", // from an s
    "M50 5 C22 5 22 46 50 46 C78 46 78 5 50 5 M50 46 C16 46 16 95 50 95 C84 95 84 46 50 46", // two rings
    "M66 8 C30 2 28 34 48 46 C70 60 70 94 46 95 C22 94 28 60 50 46 C66 34 74 20 60 8", // slim
  ],
  [
    "M76 30 C76 -2 23 -2 24 30 C24 59 72 59 76 30 C79 60 70 90 35 95", // curved tail
    "M72 28 C70 0 26 0 26 30 C26 57 68 57 72 28 L66 95", // straight tail
    "M74 24 C60 -6 20 8 25 36 C30 59 70 55 74 24 L74 70 C74 96 48 101 29 86", // hooked tail
    "M68 14 C40 -2 22 20 30 38 C38 54 66 44 70 16 C70 50 60 75 48 95", // leaning, small bowl
  ],
];

/** glyphs[digit]: every way to write it. */
export const GLYPHS: readonly (readonly Glyph[])[] = PATHS.map((paths) => paths.map(parsePath));

function parsePath(path: string): Glyph {
  const strokes: number[][] = [];
  let x = 0;
  let y = 0;
  for (const [, command, list] of path.matchAll(/([MLC])([^MLC]*)/g)) {
    const numbers = list.trim().split(/\s+/).map(Number);
    const [endX, endY] = numbers.slice(-2);
    if (command === "M") strokes.push([endX, endY]);
    // A line as a Bezier: its inner control points at the thirds, where the pen moves evenly.
    else if (command === "L") {
      const [stepX, stepY] = [(endX - x) / 3, (endY - y) / 3];
      strokes[strokes.length - 1].push(x + stepX, y + stepY, endX - stepX, endY - stepY, endX, endY);
    } else strokes[strokes.length - 1].push(...numbers);
    x = endX;
    y = endY;
  }
  return strokes.map((stroke) => Float64Array.from(stroke));
}
