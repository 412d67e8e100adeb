/**
 * Characters that a terminal interprets: C0 and C1 controls, DEL, line and paragraph separators, and bidirectional controls (Unicode 16 section
 * 23.2, Bidi_Control).
 */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Makes a text safe for one line of a terminal: control characters are escaped. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** The same, clipped. @param most longest result in characters */
export function printableClip(text: string, most: number): string {
  const shown = printable(text.slice(0, most));
  return text.length <= most && shown.length <= most ? shown : `${shown.slice(0, most)}...`;
}
