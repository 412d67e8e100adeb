/** Where a `show` that is too long to be held writes. */
export interface Output {
  /** Waits while the reader is slow. @returns false once nobody reads any more */
  write: (text: string) => Promise<boolean>;
  /** What is said beside the answer, one line. */
  note: (line: string) => void;
}
