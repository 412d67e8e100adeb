import { brake } from '../reconcile/brake.js';
import type { Intent } from '../intent/types.js';
import type { Report, Survey } from '../reconcile/change.js';
import type { Instance } from './instance.js';

export interface ApplyOptions {
  /** Past the brake on mass removal. */
  force?: boolean;
}

/**
 * Converges once.
 *
 * @param intent scoped to the node
 * @throws BrakeError when the intent takes too many ports away; nothing was touched
 */
export async function applyOnce(instance: Instance, intent: Intent, { force }: ApplyOptions = {}): Promise<Report> {
  const plan = instance.plan(intent);
  const survey = await instance.engine.survey(plan);
  const held = force ? undefined : brake(survey.changes, survey.portsHeld);
  if (held !== undefined) throw held;
  return instance.engine.converge(plan, survey);
}

/** What applyOnce would do. */
export function surveyOnce(instance: Instance, intent: Intent): Promise<Survey> {
  return instance.engine.survey(instance.plan(intent));
}
