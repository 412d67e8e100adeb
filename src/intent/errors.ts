/** The only error of src/intent: a refused file, with all reasons. */
import { MAX_ISSUE_CHARS, MAX_ISSUES_RENDERED } from './bounds.js';
import { printable, printableClip } from './printable.js';

export interface IntentIssue {
  /** Such as `ports[3].addresses[0]`; empty for the file as a whole or its syntax. */
  path: string;
  /** The value found, as read; undefined if it is missing. */
  value: unknown;
  /** The value in the message: `"10.0.0.300"`, `missing`, `null`. */
  found: string;
  /** End of the sentence "expected …". */
  expected: string;
  /** Counted from 1. */
  line?: number;
  /** Counted from 1, in UTF-16 units. */
  column?: number;
}

/** One line: `intent.yaml:12:5: ports[3].addresses[0]: "10.0.0.300": expected an IPv4 or IPv6 address`. */
function renderIssue(file: string, issue: IntentIssue): string {
  const place = issue.line === undefined ? file : `${file}:${issue.line}:${issue.column ?? 1}`;
  const path = issue.path === '' ? '' : `${issue.path}: `;
  // It may contain names of other entities, as they are in the file.
  const text = `${path}${issue.found}: expected ${issue.expected}`;
  return `${printable(place)}: ${printableClip(text, MAX_ISSUE_CHARS)}`;
}

function render(file: string, issues: readonly IntentIssue[]): string {
  const lines = issues.slice(0, MAX_ISSUES_RENDERED).map((issue) => renderIssue(file, issue));
  if (issues.length > lines.length) lines.push(`${file}: ${issues.length - lines.length} more errors`);
  return lines.join('\n');
}

/** A node or intent file was refused. The message has a line for each issue, in the order of the file. */
export class IntentError extends Error {
  readonly code = 'INTENT_INVALID';
  readonly file: string;
  readonly issues: readonly IntentIssue[];

  /** @param message the complete message, if known: `issues` may be only a part */
  constructor(file: string, issues: readonly IntentIssue[], message = render(file, issues)) {
    super(message);
    this.name = 'IntentError';
    this.file = file;
    this.issues = issues;
  }
}
