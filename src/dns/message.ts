/** DNS messages (RFC 1035), as far as a forwarder reads them. */

export const HEADER_BYTES = 12;
/** A name, records of EDNS and of a signature take some 500. A VM chooses how much of it waits for a resolver that is silent. */
export const MAX_QUERY_BYTES = 1232;
const AT = { id: 0, flags: 2, questions: 4, answers: 6, authorities: 8, additionals: 10 } as const;
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const TRUNCATED = 0x0200;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
/** Type and class behind the name of a question. */
const QUESTION_TAIL_BYTES = 4;
const VERSION_NAME = Buffer.from('\x07version\x04bind\0', 'latin1');
const TYPE_TXT = 16;
const CLASS_CHAOS = 3;
const MAX_NAME_BYTES = 255;
/** Above it, the first byte of a label is no length. */
const MAX_LABEL_BYTES = 63;
/** An OPT record (RFC 6891): the root's name, type, class (the sender's UDP size), TTL, length of the data. */
const OPT = { TYPE: 41, HEAD_BYTES: 11, type: 1, size: 3, dataBytes: 9 } as const;

export const Rcode = { formatError: 1, serverFailure: 2, notImplemented: 4, refused: 5 } as const;

/** Where the only question of a message ends; undefined: the message has no such question. */
function questionEnd(message: Buffer): number | undefined {
  if (message.length < HEADER_BYTES || message.readUInt16BE(AT.questions) !== 1) return undefined;
  for (let at = HEADER_BYTES; at < message.length && at - HEADER_BYTES < MAX_NAME_BYTES;) {
    const label = message[at] ?? 0;
    if (label > MAX_LABEL_BYTES) return undefined;
    at += 1 + label;
    if (label === 0) return at + QUESTION_TAIL_BYTES <= message.length ? at + QUESTION_TAIL_BYTES : undefined;
  }
  return undefined;
}

/** Why a query is not passed on, as the code of its answer; 'silent': it is no query. */
export function faultOf(message: Buffer): number | 'silent' | undefined {
  if (message.length < HEADER_BYTES) return 'silent';
  const flags = message.readUInt16BE(AT.flags);
  if ((flags & RESPONSE) !== 0) return 'silent';
  if ((flags & OPCODE) !== 0) return Rcode.notImplemented;
  return message.length > MAX_QUERY_BYTES || questionEnd(message) === undefined ? Rcode.formatError : undefined;
}

/** The question of a message, for comparison. */
export function questionOf(message: Buffer): Buffer {
  return message.subarray(HEADER_BYTES, questionEnd(message) ?? HEADER_BYTES);
}

export function idOf(message: Buffer): number {
  return message.readUInt16BE(AT.id);
}

export function writeId(message: Buffer, id: number): void {
  message.writeUInt16BE(id, AT.id);
}

/** Whether a message is the answer to a question. Names may differ in case. */
export function isAnswerTo(message: Buffer, question: Buffer): boolean {
  if (message.length < HEADER_BYTES || (message.readUInt16BE(AT.flags) & RESPONSE) === 0) return false;
  // Of FORMERR and the like there may be no more than a header.
  if (message.readUInt16BE(AT.questions) === 0) return true;
  const said = questionOf(message);
  return (
    said.length === question.length &&
    said.toString('latin1').toLowerCase() === question.toString('latin1').toLowerCase()
  );
}

/** An answer without records. */
export function failure(query: Buffer, code: number): Buffer {
  const answer = Buffer.from(query.subarray(0, questionEnd(query) ?? HEADER_BYTES));
  const flags = query.readUInt16BE(AT.flags) & (OPCODE | RECURSION_DESIRED);
  answer.writeUInt16BE(RESPONSE | RECURSION_AVAILABLE | flags | code, AT.flags);
  answer.writeUInt16BE(answer.length > HEADER_BYTES ? 1 : 0, AT.questions);
  answer.fill(0, AT.answers, HEADER_BYTES);
  return answer;
}

/** The answer without its records, which are too large: the client asks again by TCP. */
export function truncated(answer: Buffer): Buffer {
  const short = failure(answer, 0);
  short.writeUInt16BE(answer.readUInt16BE(AT.flags) | TRUNCATED, AT.flags);
  return short;
}

/**
 * Lowers the size of UDP answers that a query's client accepts (EDNS), so that the resolver truncates larger ones itself. Changes nothing where the
 * OPT record is not the query's only record: a signature (TSIG) would no longer be valid.
 */
export function limitSize(query: Buffer, bytes: number): void {
  const at = questionEnd(query);
  if (at === undefined || at + OPT.HEAD_BYTES > query.length) return;
  const records = [AT.answers, AT.authorities, AT.additionals].map((count) => query.readUInt16BE(count));
  if (records.join() !== '0,0,1' || query[at] !== 0 || query.readUInt16BE(at + OPT.type) !== OPT.TYPE) return;
  if (query.readUInt16BE(at + OPT.size) > bytes) query.writeUInt16BE(bytes, at + OPT.size);
}

/** The complete messages of a TCP stream, each with its length before it, and the bytes left. */
export function messagesIn(stream: Buffer): { messages: Buffer[]; rest: Buffer } {
  const messages: Buffer[] = [];
  let at = 0;
  while (at + 2 <= stream.length) {
    const end = at + 2 + stream.readUInt16BE(at);
    if (end > stream.length) break;
    messages.push(stream.subarray(at + 2, end));
    at = end;
  }
  return { messages, rest: stream.subarray(at) };
}

export function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** A query for the version of a resolver, which it answers or refuses without asking others. */
export function probeQuery(): Buffer {
  const query = Buffer.concat([Buffer.alloc(HEADER_BYTES), VERSION_NAME, Buffer.alloc(QUESTION_TAIL_BYTES)]);
  query.writeUInt16BE(RECURSION_DESIRED, AT.flags);
  query.writeUInt16BE(1, AT.questions);
  query.writeUInt16BE(TYPE_TXT, HEADER_BYTES + VERSION_NAME.length);
  query.writeUInt16BE(CLASS_CHAOS, HEADER_BYTES + VERSION_NAME.length + 2);
  return query;
}
