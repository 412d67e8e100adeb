/** Colours for who reads at a terminal. */

/** SGR parameters (ECMA-48 section 8.3.117). */
const FOREGROUND = { red: 31, green: 32, yellow: 33 } as const;
const DEFAULT_FOREGROUND = 39;
export type Colour = keyof typeof FOREGROUND;

/** Standard output is a terminal that has colours, and NO_COLOR (no-color.org) is not set. */
function hasColours(): boolean {
  const { stdout, env } = process;
  return stdout.isTTY && (env.NO_COLOR ?? '') === '' && stdout.hasColors();
}

/** @returns the text, in the colour where standard output shows one */
export function paint(colour: Colour, text: string): string {
  return hasColours() ? `\u001b[${FOREGROUND[colour]}m${text}\u001b[${DEFAULT_FOREGROUND}m` : text;
}
