/**
 * An intent split into pieces for the transfer from the reading thread: the receiver parses each within milliseconds. A single message with a
 * million ports would block the receiver's event loop for seconds.
 */
import { shareNoPrefixes } from '../intent/model.js';
import type { Intent } from '../intent/types.js';

/** Entities in a piece: 250 ports are parsed in half a millisecond. */
const PIECE_ENTITIES = 250;

/** A part of the intent as JSON: some elements of a list, or the whole value of another field. */
export interface IntentPiece {
  field: string;
  json: string;
  /** Length of the whole list, and the index of this piece's first element; absent: the field is no list. */
  list?: { length: number; at: number };
}

export function* piecesOf(intent: Intent): Generator<IntentPiece, void, undefined> {
  for (const [field, value] of Object.entries(intent) as [string, unknown][]) {
    if (!Array.isArray(value)) {
      yield { field, json: JSON.stringify(value) };
      continue;
    }
    for (let at = 0; at === 0 || at < value.length; at += PIECE_ENTITIES) {
      const json = JSON.stringify(value.slice(at, at + PIECE_ENTITIES));
      yield { field, json, list: { length: value.length, at } };
    }
  }
}

/** Assembles an intent from its pieces, in the order of piecesOf. */
export class IntentAssembly {
  readonly #fields: Record<string, unknown> = {};

  add({ field, json, list }: IntentPiece): void {
    const value = JSON.parse(json) as unknown;
    if (list === undefined) {
      this.#fields[field] = value;
      return;
    }
    // Allocated at full length: V8 copies a growing array each time, a million elements in 50 ms.
    const whole = (this.#fields[field] ??= new Array<unknown>(list.length)) as unknown[];
    for (const [index, element] of (value as unknown[]).entries()) whole[list.at + index] = element;
    if (field === 'ports') shareNoPrefixes(value as Intent['ports']);
  }

  /** The intent; complete once all pieces were added. */
  get intent(): Intent {
    return this.#fields as unknown as Intent;
  }
}
