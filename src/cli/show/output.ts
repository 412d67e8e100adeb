/** Output of a `show` that may be too long for memory. */
export interface Output {
  /** Waits while the reader is slow. @returns false once the output is closed */
  write: (text: string) => Promise<boolean>;
  /** Prints a message besides the answer. */
  note: (line: string) => void;
}
