/** Health of the agent, for supervisors and load balancers. */
import { Problem } from './problem.js';
import { refuseQuery } from './query.js';
import { replyJson } from './reply.js';
import type { Handler } from './services.js';

/** Seconds after which a task counts as stuck, equal to the time-out of systemd's watchdog. */
const STUCK_SECONDS = 60;

/** 200: the agent's event loop runs. */
export const answerHealth: Handler = async ({ query, response }, { agentState }) => {
  refuseQuery(query);
  await agentState();
  replyJson(response, { status: 'ok' });
};

/** 200: the first intent has been carried out, and tasks end; else 503 with the reason. */
export const answerReady: Handler = async ({ query, response }, { agentState }) => {
  refuseQuery(query);
  const { ready, queue, intent } = await agentState();
  const why = intent.refused ?? queue.failure;
  const reason = !ready
    ? `no intent has been applied yet${why === null ? '' : `: ${why}`}`
    : queue.failing
      ? `the last task failed, and is tried again: ${queue.failure ?? ''}`
      : queue.busySeconds > STUCK_SECONDS && queue.progress === ''
        ? `the current task has taken ${Math.round(queue.busySeconds)} s so far`
        : undefined;
  if (reason !== undefined) throw new Problem(503, { code: 'not-ready', detail: reason });
  replyJson(response, { status: 'ready' });
};
