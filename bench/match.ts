/** Whether both sides of a row compute the same: said before anything is timed. */

export interface Match {
  readonly matched: boolean;
  /** What was compared and how far apart it was, in a few words. */
  readonly detail: string;
}

/** Integers are equal or wrong. */
export function matchExact(name: string, got: ArrayLike<number>, wanted: ArrayLike<number>): Match {
  if (got.length !== wanted.length) {
    return { matched: false, detail: `${name}: wanted ${wanted.length} numbers, got ${got.length}` };
  }
  for (let i = 0; i < got.length; i++) {
    if (!Object.is(got[i], wanted[i])) {
      return { matched: false, detail: `${name}: element ${i}: wanted ${wanted[i]}, got ${got[i]}` };
    }
  }
  return { matched: true, detail: `${name}: equal` };
}

/** Every element within a bound of the wanted one, in the unit of the numbers. */
export function matchWithin(
  name: string,
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  bound: number,
): Match {
  if (got.length !== wanted.length) {
    return { matched: false, detail: `${name}: wanted ${wanted.length} numbers, got ${got.length}` };
  }
  let most = 0;
  for (let i = 0; i < got.length; i++) {
    const distance = Math.abs(got[i] - wanted[i]);
    // written so that NaN fails
    if (!(distance <= bound)) {
      return {
        matched: false,
        detail: `${name}: element ${i}: wanted ${wanted[i]} within ${bound.toPrecision(3)}, got ${got[i]}`,
      };
    }
    if (distance > most) most = distance;
  }
  return {
    matched: true,
    detail: `${name}: off by ${most.toPrecision(3)} at most, bound ${bound.toPrecision(3)}`,
  };
}

/** The root of the mean square error within a share of the root mean square of what was wanted. */
export function matchRelative(
  name: string,
  got: ArrayLike<number>,
  wanted: ArrayLike<number>,
  share: number,
): Match {
  if (got.length !== wanted.length) {
    return { matched: false, detail: `${name}: wanted ${wanted.length} numbers, got ${got.length}` };
  }
  let error = 0;
  let power = 0;
  for (let i = 0; i < got.length; i++) {
    error += (got[i] - wanted[i]) ** 2;
    power += wanted[i] ** 2;
  }
  const relative = Math.sqrt(error / power);
  return {
    matched: relative <= share,
    detail: `${name}: relative RMS error ${percent(relative)}, bound ${percent(share)}`,
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** All of them; the details of the ones that failed, or of all. */
export function matchAll(...matches: readonly Match[]): Match {
  const failed = matches.filter(({ matched }) => !matched);
  const told = failed.length > 0 ? failed : matches;
  return { matched: failed.length === 0, detail: told.map(({ detail }) => detail).join("; ") };
}
