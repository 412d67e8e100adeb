/** Values of command-line options, checked. */

/** A whole number from 1 up. @throws RangeError */
export function numberOption(name: string, given: string | undefined, otherwise: number): number {
  const value = given === undefined ? otherwise : Number(given);
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name} ${given}: expected a count`);
  return value;
}

/**
 * A list by commas, of some known values, or of any counts.
 *
 * @throws RangeError with what was expected
 */
export function listOption<T extends string | number>(
  name: string,
  given: string | undefined,
  known: readonly T[],
  otherwise: readonly T[],
): T[] {
  if (given === undefined) return [...otherwise];
  return given.split(',').map((word) => {
    const value = known.find((one) => String(one) === word);
    if (value === undefined) throw new RangeError(`--${name} ${word}: expected ${known.join(', ')}`);
    return value;
  });
}

/** A list of whole numbers from 1 up, by commas. @throws RangeError */
export function numbersOption(name: string, given: string | undefined, otherwise: readonly number[]): number[] {
  return given === undefined ? [...otherwise] : given.split(',').map((word) => numberOption(name, word, 0));
}
