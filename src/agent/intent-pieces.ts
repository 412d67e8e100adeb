/**
 * An intent on its way from the thread that read it: in pieces, each of which the receiver takes within milliseconds. One message with a
 * million ports would hold the receiver's event loop up for seconds.
 */
import { shareNoPrefixes } from '../intent/model.js';
import type { Intent } from '../intent/types.js';

/** Entities of one piece. */
const PIECE_ENTITIES = 1000;

/** A part of the intent as JSON: of a list some elements, else a whole value. */
export interface IntentPiece {
  field: string;
  json: string;
  isList: boolean;
}

export function* piecesOf(intent: Intent): Generator<IntentPiece, void, undefined> {
  for (const [field, value] of Object.entries(intent) as [string, unknown][]) {
    if (!Array.isArray(value)) {
      yield { field, json: JSON.stringify(value), isList: false };
      continue;
    }
    for (let at = 0; at === 0 || at < value.length; at += PIECE_ENTITIES) {
      yield { field, json: JSON.stringify(value.slice(at, at + PIECE_ENTITIES)), isList: true };
    }
  }
}

/** Puts pieces together, in the order of piecesOf. */
export class IntentAssembly {
  readonly #fields: Record<string, unknown> = {};

  add({ field, json, isList }: IntentPiece): void {
    const value = JSON.parse(json) as unknown;
    if (!isList) {
      this.#fields[field] = value;
      return;
    }
    const list = (this.#fields[field] ??= []) as unknown[];
    for (const element of value as unknown[]) list.push(element);
    if (field === 'ports') shareNoPrefixes(value as Intent['ports']);
  }

  /** Once all pieces are in. */
  get intent(): Intent {
    return this.#fields as unknown as Intent;
  }
}
