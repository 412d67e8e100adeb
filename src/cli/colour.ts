/** Colours for terminals. */

/** SGR parameters (ECMA-48 section 8.3.117). */
const FOREGROUND = { red: 31, green: 32, yellow: 33 } as const;
const DEFAULT_FOREGROUND = 39;
export type Colour = keyof typeof FOREGROUND;

/** Whether standard output is a terminal with colours, and NO_COLOR (no-color.org) is not set. */
function hasColours(): boolean {
  const { stdout, env } = process;
  return stdout.isTTY && (env.NO_COLOR ?? '') === '' && stdout.hasColors();
}

/** @returns the text, coloured if standard output supports it */
export function paint(colour: Colour, text: string): string {
  return hasColours() ? `\u001b[${FOREGROUND[colour]}m${text}\u001b[${DEFAULT_FOREGROUND}m` : text;
}
