/** Applies the intent that the removal guard holds, like SIGUSR2. */
import { asker, refuseStranger } from './asker.js';
import { sendAnswer } from './answer.js';
import { readBody } from './body.js';
import { Problem } from './problem.js';
import { JSON_TYPE } from './protocol.js';
import { refuseQuery } from './query.js';
import { releaseBody } from './schema-posted.js';
import type { Handler } from './services.js';

/** 202: the agent has queued it; /v1/status shows when it is done. */
export const answerRelease: Handler = async (request, services) => {
  refuseQuery(request.query);
  const who = asker(request.message.socket);
  refuseStranger(who, services.operators());
  await readBody(request, releaseBody);
  if (!(await services.release(who.text))) {
    throw new Problem(409, {
      code: 'nothing-held',
      detail: 'no intent is held: expected one that the removal guard holds',
    });
  }
  sendAnswer(request.response, {
    status: 202,
    headers: { 'content-type': JSON_TYPE, 'cache-control': 'no-store' },
    body: `${JSON.stringify({ released: true })}\n`,
    notes: [],
  });
};
