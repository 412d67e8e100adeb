import { brake } from '../reconcile/brake.js';
import type { Intent } from '../intent/types.js';
import type { Report, Survey } from '../reconcile/change.js';
import type { Instance } from './instance.js';

export interface ApplyOptions {
  /** Past the brake on mass removal. */
  force?: boolean;
}

export interface ApplyReport extends Report {
  /** What the plan leaves undone. */
  warnings: string[];
}

/**
 * Converges once.
 *
 * @param intent scoped to the node
 * @throws BrakeError when the intent takes too many ports away; nothing was touched
 */
export async function applyOnce(
  instance: Instance,
  intent: Intent,
  { force }: ApplyOptions = {},
): Promise<ApplyReport> {
  return instance.exclusively(async () => {
    const { plan, warnings } = instance.prepare(intent);
    const survey = await instance.engine.survey(plan);
    const held = force ? undefined : brake(survey.changes, survey.portsHeld);
    if (held !== undefined) throw held;
    return { ...(await instance.engine.converge(plan, survey)), warnings };
  });
}

/** What applyOnce would do. */
export async function surveyOnce(instance: Instance, intent: Intent): Promise<Survey & { warnings: string[] }> {
  const { plan, warnings } = instance.prepare(intent);
  return { ...(await instance.engine.survey(plan)), warnings };
}
