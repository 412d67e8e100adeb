/**
 * What a terminal would obey instead of showing: C0 and C1 controls, DEL, line and paragraph separators, and what turns the direction
 * of text (Unicode 16 section 23.2, Bidi_Control).
 */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Text of a file or a command line, as it may stand in one line of a terminal: a control character is shown as its escape. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** The same, cut where it is longer. @param most characters of the result */
export function printableClip(text: string, most: number): string {
  const shown = printable(text.slice(0, most));
  return text.length <= most && shown.length <= most ? shown : `${shown.slice(0, most)}...`;
}
